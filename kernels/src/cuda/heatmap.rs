//! The hottest pixels of maps: `heatmap.cu`.

use bytemuck::{Pod, Zeroable};

use super::letterbox::LetterboxAddresses;
use super::region::count;
use super::{Launch, LaunchError, Letterboxes, Region, blocks};
use crate::cpu::Refinement;

const THREADS: u32 = 256;

/// The maps of several pictures.
#[derive(Clone, Copy, Debug)]
pub struct Maps {
    /// FP32, of each picture `shape`.
    pub numbers: Region,
    /// How many pictures.
    pub pictures: usize,
    /// Channels, height and width.
    pub shape: [usize; 3],
}

/// The argument of `peaks`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Peaks {
    maps: u64,
    points: u64,
    scores: u64,
    by: LetterboxAddresses,
    channels: u32,
    width: u32,
    height: u32,
    is_refined: u32,
    stride: f32,
    unused: u32,
}

/// Finds the hottest pixel of each channel: `points` are x and y times `stride` in the picture's own
/// pixels, `scores` are its heat, both FP32. Twins: [`crate::cpu::peak`] and
/// [`crate::cpu::Letterbox::undo`]. `None` if there is no map.
///
/// # Errors
/// When memory has another size, or a map more pixels than 32 bits can count.
pub fn peaks(
    maps: &Maps,
    (refinement, stride): (Refinement, f32),
    by: &Letterboxes,
    (points, scores): (Region, Region),
) -> Result<Option<Launch<Peaks>>, LaunchError> {
    let Maps { numbers, pictures, shape: [channels, height, width] } = *maps;
    let (pixels, all) = (height.saturating_mul(width), channels.saturating_mul(pictures));
    count("pixels of a map", pixels)?;
    let argument = Peaks {
        maps: numbers.elements("heat maps", all.saturating_mul(pixels), size_of::<f32>())?,
        points: points.elements("points", all, 2 * size_of::<f32>())?,
        scores: scores.elements("scores of points", all, size_of::<f32>())?,
        by: by.addresses(pictures)?,
        channels: count("channels", channels)?,
        width: count("columns of a map", width)?,
        height: count("lines of a map", height)?,
        is_refined: (refinement == Refinement::Quarter).into(),
        stride,
        unused: 0,
    };
    if all == 0 {
        return Ok(None);
    }
    let blocks = blocks([count("heat maps", all)?, 1, 1])?;
    Ok(Some(Launch { kernel: "peaks", blocks, threads: [THREADS, 1, 1], argument }))
}
