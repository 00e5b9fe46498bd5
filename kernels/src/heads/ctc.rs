//! Best paths of connectionist temporal classification.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::enqueue;
use crate::cpu::AxisView;
use crate::cuda::{Sequences, collapse, top_k};
use crate::executor::Executor;

/// Of each sequence the classes that are kept, and how sure they are.
pub struct BestPaths {
    /// INT32 `[rows, steps]`: the class of each step that is kept, and -1.
    pub kept: Tensor,
    /// FP32: the mean of their numbers.
    pub scores: Tensor,
}

/// The best paths of FP32 `numbers` of `[rows, steps, classes]`; the scores are of `shape`.
///
/// # Errors
/// See [`collapse`], and what the device tells.
pub fn best_paths(
    executor: &Executor,
    numbers: &Tensor,
    [rows, steps, classes]: [usize; 3],
    blank: usize,
    shape: Vec<usize>,
) -> Result<BestPaths, InferError> {
    let mut work = executor.work();
    let from = work.read(numbers)?;
    let all = rows.saturating_mul(steps);
    let (_largest, values) = work.allocate(size_of::<f32>().saturating_mul(all))?;
    let (_classes, indices) = work.allocate(size_of::<i64>().saturating_mul(all))?;
    let (kept, to) = work.allocate(size_of::<i32>().saturating_mul(all))?;
    let (scores, to_scores) = work.allocate(size_of::<f32>().saturating_mul(rows))?;
    let view = AxisView { outer: all, length: classes, inner: 1 };
    let sequences = Sequences { rows, steps, numbers: values, classes: indices };
    // SAFETY: all regions are the work's; what is between is freed behind its kernels.
    unsafe { enqueue(&work, top_k(from, view, 1, (values, indices))?) }?;
    // SAFETY: as above.
    unsafe { enqueue(&work, collapse(&sequences, blank, (to, to_scores))?) }?;
    Ok(BestPaths {
        kept: executor.tensor(DataType::Int32, vec![rows, steps], kept)?,
        scores: executor.tensor(DataType::Fp32, shape, scores)?,
    })
}
