//! The hottest pixels of maps.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::{Way, enqueue};
use crate::cpu::Refinement;
use crate::cuda::{self, Maps};
use crate::executor::Executor;

/// The hottest pixel of each channel of FP32 `maps`: of `pictures` pictures each `shape` (channels,
/// height and width). Scores are of the axes `channels`, and points, times `stride` and brought back by
/// `way`, of these and one of 2 more. Twin: [`crate::cpu::peak`].
///
/// # Errors
/// See [`cuda::peaks`], and what the device tells.
pub fn peaks(
    executor: &Executor,
    (maps, pictures, shape): (&Tensor, usize, [usize; 3]),
    how: (Refinement, f32),
    way: &Way,
    channels: &[usize],
) -> Result<[Tensor; 2], InferError> {
    let mut work = executor.work();
    let maps = Maps { numbers: work.read(maps)?, pictures, shape };
    let all = pictures.saturating_mul(shape[0]);
    let (points, to) = work.allocate(size_of::<[f32; 2]>().saturating_mul(all))?;
    let (scores, to_scores) = work.allocate(size_of::<f32>().saturating_mul(all))?;
    // SAFETY: regions are the work's, and the way's, which is of this stream.
    unsafe { enqueue(&work, cuda::peaks(&maps, how, &way.regions(), (to, to_scores))?) }?;
    Ok([
        executor.tensor(DataType::Fp32, [channels, &[2]].concat(), points)?,
        executor.tensor(DataType::Fp32, channels.to_vec(), scores)?,
    ])
}
