//! Operations along one axis.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::enqueue;
use crate::cpu::AxisView;
use crate::cuda;
use crate::executor::Executor;

/// Softmax of FP32 `numbers`, seen as `view`. Twin: [`crate::cpu::softmax`].
///
/// # Errors
/// See [`cuda::softmax`], and what the device tells.
pub fn softmax(
    executor: &Executor,
    numbers: &Tensor,
    view: AxisView,
) -> Result<Tensor, InferError> {
    let mut work = executor.work();
    let from = work.read(numbers)?;
    let (allocation, to) = work.allocate(from.size_bytes())?;
    // SAFETY: both regions are the work's.
    unsafe { enqueue(&work, cuda::softmax((from, to), view)?) }?;
    executor.tensor(DataType::Fp32, numbers.shape().to_vec(), allocation)
}

/// The `k` largest of FP32 `numbers`, seen as `view`, and where they are, INT64: two tensors of `shape`.
/// Twin: [`crate::cpu::top_k`].
///
/// # Errors
/// See [`cuda::top_k`], and what the device tells.
pub fn top_k(
    executor: &Executor,
    numbers: &Tensor,
    (view, k): (AxisView, usize),
    shape: &[usize],
) -> Result<[Tensor; 2], InferError> {
    let mut work = executor.work();
    let from = work.read(numbers)?;
    let found = AxisView { length: k.min(view.length), ..view }.numbers();
    let (values, to_values) = work.allocate(size_of::<f32>().saturating_mul(found))?;
    let (indices, to_indices) = work.allocate(size_of::<i64>().saturating_mul(found))?;
    // SAFETY: all three regions are the work's.
    unsafe { enqueue(&work, cuda::top_k(from, view, k, (to_values, to_indices))?) }?;
    Ok([
        executor.tensor(DataType::Fp32, shape.to_vec(), values)?,
        executor.tensor(DataType::Int64, shape.to_vec(), indices)?,
    ])
}
