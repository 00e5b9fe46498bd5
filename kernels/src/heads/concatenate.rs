//! Tensors in turn along an axis.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::enqueue;
use crate::cuda::{Blocks, interleave};
use crate::executor::Executor;

/// A tensor of those that are concatenated.
pub struct Interleaving<'a> {
    /// All of it.
    pub tensor: &'a Tensor,
    /// Bytes of it before it is another's turn.
    pub block_bytes: usize,
    /// Where its first block goes, in bytes.
    pub start: usize,
}

/// A tensor of `shape` in which the blocks of each of `tensors` begin `step_bytes` apart.
///
/// # Errors
/// See [`interleave`], and what the device tells.
pub fn concatenate(
    executor: &Executor,
    tensors: &[Interleaving<'_>],
    step_bytes: usize,
    (data_type, shape): (DataType, Vec<usize>),
) -> Result<Tensor, InferError> {
    let mut work = executor.work();
    let (mut blocks, mut size_bytes) = (Vec::with_capacity(tensors.len()), 0);
    for &Interleaving { tensor, block_bytes, start } in tensors {
        size_bytes += tensor.size_bytes();
        blocks.push(Blocks { from: work.read(tensor)?, block_bytes, start });
    }
    let (allocation, whole) = work.allocate(size_bytes)?;
    // SAFETY: all regions are the work's.
    unsafe { enqueue(&work, interleave(&blocks, whole, step_bytes)?) }?;
    executor.tensor(data_type, shape, allocation)
}
