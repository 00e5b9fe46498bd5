//! From the nets of a cascade to candidates: `cascade.cu`.

use bytemuck::{Pod, Zeroable};

use super::detection::box_address;
use super::region::count;
use super::{Candidates, Launch, LaunchError, Region, blocks};
use crate::cpu::Grid;

const THREADS: u32 = 256;

/// The scores of candidates among the numbers of a net.
#[derive(Clone, Copy, Debug)]
pub struct Scores {
    /// FP32, `classes` numbers for each place.
    pub numbers: Region,
    /// Numbers of a place.
    pub classes: usize,
    /// Which of them is the score.
    pub class: usize,
    /// A candidate's score is greater.
    pub threshold: f32,
}

/// The argument of `score_places`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ScorePlaces {
    scores: u64,
    corners: u64,
    kept_scores: u64,
    count: u64,
    places: u32,
    width: u32,
    classes: u32,
    class: u32,
    stride: f32,
    cell: f32,
    score_threshold: f32,
    unused: u32,
}

/// The argument of `score_corrected`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ScoreCorrected {
    boxes: u64,
    scores: u64,
    corrections: u64,
    corners: u64,
    kept_scores: u64,
    count: u64,
    classes: u32,
    class: u32,
    score_threshold: f32,
    unused: u32,
}

/// Makes candidates of the squares that a net has seen which slid over `pictures` pictures, at as
/// many places along x and y as `size` says. Twin: [`Grid::candidates`]. `None` if there is no place.
///
/// # Errors
/// When memory has another size, the class is none of the net's, or there are too many places.
pub fn score_places(
    grid: Grid,
    scores: &Scores,
    (pictures, size): (usize, (usize, usize)),
    candidates: &Candidates,
) -> Result<Option<Launch<ScorePlaces>>, LaunchError> {
    let places = size.0.saturating_mul(size.1);
    let all = places.saturating_mul(pictures);
    let (numbers, [classes, class]) = scores.checked(all)?;
    let [corners, kept_scores] = candidates.addresses(all)?;
    if all == 0 {
        return Ok(None);
    }
    let all = count("places", all)?;
    Ok(Some(Launch {
        kernel: "score_places",
        blocks: blocks([all.div_ceil(THREADS), 1, 1])?,
        threads: [THREADS, 1, 1],
        argument: ScorePlaces {
            scores: numbers,
            corners,
            kept_scores,
            count: all.into(),
            places: count("places", places)?,
            width: count("places of a line", size.0)?,
            classes,
            class,
            stride: grid.stride,
            cell: grid.cell,
            score_threshold: scores.threshold,
            unused: 0,
        },
    }))
}

/// Makes candidates of boxes that a net has looked at, corrected if there are `corrections`: FP32, four
/// for each. Twin: [`crate::cpu::Corrections`]. `None` if there is no box.
///
/// # Errors
/// When memory has another size, or the class is none of the net's.
pub fn score_corrected(
    boxes: Region,
    scores: &Scores,
    corrections: Option<Region>,
    candidates: &Candidates,
) -> Result<Option<Launch<ScoreCorrected>>, LaunchError> {
    let all = boxes.size_bytes() / (4 * size_of::<f32>());
    let boxes = box_address("boxes", boxes, all)?;
    let corrections =
        corrections.map_or(Ok(0), |memory| box_address("corrections", memory, all))?;
    let (numbers, [classes, class]) = scores.checked(all)?;
    let [corners, kept_scores] = candidates.addresses(all)?;
    if all == 0 {
        return Ok(None);
    }
    let all = count("boxes", all)?;
    Ok(Some(Launch {
        kernel: "score_corrected",
        blocks: blocks([all.div_ceil(THREADS), 1, 1])?,
        threads: [THREADS, 1, 1],
        argument: ScoreCorrected {
            boxes,
            scores: numbers,
            corrections,
            corners,
            kept_scores,
            count: all.into(),
            classes,
            class,
            score_threshold: scores.threshold,
            unused: 0,
        },
    }))
}

impl Scores {
    /// Where the numbers of `places` are, how many each has, and which is the score.
    fn checked(&self, places: usize) -> Result<(u64, [u32; 2]), LaunchError> {
        let Self { numbers, classes, class, .. } = *self;
        if class >= classes {
            let (count, max) = (class as u64, classes as u64);
            return Err(LaunchError::TooMany { what: "the class, from 0", count, max });
        }
        let all = places.saturating_mul(classes);
        let numbers = numbers.elements("numbers of places", all, size_of::<f32>())?;
        Ok((numbers, [count("classes", classes)?, count("the class", class)?]))
    }
}
