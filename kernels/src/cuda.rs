//! The kernels of CUDA devices, and a launcher for each: what is checked before a device is asked.
//!
//! The kernels are CUDA C in `kernels/cuda`, each with a note of its formula and its costs, and the
//! PTX that is made of them (`tools/ptx.py`) is part of the binary. Each gives the bits of its twin in
//! [`crate::cpu`]. A kernel takes one argument, a struct, which travels with the launch: nothing is
//! uploaded for it.
//!
//! A launcher makes [`Launch`]es of what is asked; it calls no driver and allocates no device memory.

mod cascade;
mod color;
mod copy;
mod ctc;
mod detection;
mod draw;
mod heatmap;
mod kernels;
mod letterbox;
mod modules;
mod picture;
mod region;
mod softmax;
mod suppression;
mod top_k;
mod transpose;

pub use cascade::{ScoreCorrected, ScorePlaces, Scores, score_corrected, score_places};
pub use color::{Convert, Planes, nv12_to_rgb, ycbcr420_to_rgb};
pub use copy::{Blocks, Copies, Interleave, Part, gather, interleave, scatter};
pub use ctc::{Collapse, Sequences, collapse};
pub use detection::{Candidates, Decode, Detections, ScoreBoxes, decode_detections, score_boxes};
pub use draw::{Across, Down, Draw, Passes, Resize};
pub use heatmap::{Maps, Peaks, peaks};
pub use kernels::Kernels;
pub use letterbox::{
    BAD_CLASS, BAD_SIZE, BAD_TRANSFORM, LetterboxAddresses, Letterboxes, NarrowClasses,
    ReadLetterboxes, Said, narrow_classes, read_letterboxes,
};
pub use modules::{MODULES, Source};
pub use picture::{Drawing, Element, Picture};
pub use region::{LaunchError, Region};
pub use softmax::{Softmax, softmax};
pub use suppression::{Closing, Kept, Ordered, Suppress, suppress};
pub use top_k::{TopK, top_k};
pub use transpose::{Rows, Tiles, Transpose, transpose};

/// Blocks of a launch along y or z.
const BLOCKS_YZ_MAX: u32 = 65_535;

/// A kernel, how many threads it gets, and the struct that it takes.
#[derive(Clone, Copy, Debug)]
pub struct Launch<Argument> {
    /// The kernel's name in one of [`MODULES`].
    pub kernel: &'static str,
    /// Blocks along x, y and z.
    pub blocks: [u32; 3],
    /// Threads of a block along x, y and z.
    pub threads: [u32; 3],
    /// As the kernel's source declares it.
    pub argument: Argument,
}

/// These many blocks along x, y and z, if a launch can have them.
fn blocks(sizes: [u32; 3]) -> Result<[u32; 3], LaunchError> {
    let limits = [
        ("blocks along x", i32::MAX.unsigned_abs()),
        ("blocks along y", BLOCKS_YZ_MAX),
        ("blocks along z", BLOCKS_YZ_MAX),
    ];
    for (size, (what, max)) in sizes.into_iter().zip(limits) {
        if size > max {
            return Err(LaunchError::TooMany { what, count: size.into(), max: max.into() });
        }
    }
    Ok(sizes)
}
