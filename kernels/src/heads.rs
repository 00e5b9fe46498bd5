//! The operations of pipelines' heads on a device, from tensors there to tensors there: several kernels,
//! and the memory between them. Each enqueues all that it needs at once, and nobody waits for the device
//! in between.

mod along_axis;
mod cascade;
mod concatenate;
mod ctc;
mod heatmap;
mod letterbox;
mod objects;

use bytemuck::NoUninit;
use nereid_backend::error::InferError;

pub use along_axis::{softmax, top_k};
pub use cascade::ScoreTensor;
pub use concatenate::{Interleaving, concatenate};
pub use ctc::{BestPaths, best_paths};
pub use heatmap::peaks;
pub use letterbox::{Faults, LetterboxTensors, Way};
pub use objects::{Closing, Found, Objects};

use crate::cuda::Launch;
use crate::executor::Work;

/// Enqueues what a launcher made, if there is anything to do.
///
/// # Safety
/// As [`Work::launch`].
#[allow(unsafe_code)]
unsafe fn enqueue<A: NoUninit>(
    work: &Work<'_>,
    launches: impl IntoIterator<Item = Launch<A>>,
) -> Result<(), InferError> {
    for launch in launches {
        // SAFETY: the caller's promise.
        unsafe { work.launch(&launch) }?;
    }
    Ok(())
}
