//! The largest numbers along an axis: `top_k.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};
use crate::cpu::AxisView;

const THREADS: u32 = 256;

/// Up to so many, a line is read once for each; more are found by counting who comes before whom.
const FEW_MAX: u32 = 16;

/// The argument of both kernels.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct TopK {
    from: u64,
    values: u64,
    indices: u64,
    length: u32,
    k: u32,
    inner: u64,
}

/// The `k` largest of FP32 `numbers` along the axis that `view` names, at most its length: `values`
/// as FP32, and where they are as INT64. Twin: [`crate::cpu::top_k`]. `None` if there is no result.
///
/// # Errors
/// When memory has another size, or there are too many lines: more than 65535 of which more than 16
/// numbers are asked.
pub fn top_k(
    numbers: Region,
    view: AxisView,
    k: usize,
    (values, indices): (Region, Region),
) -> Result<Option<Launch<TopK>>, LaunchError> {
    let k = k.min(view.length);
    let found = AxisView { length: k, ..view }.numbers();
    let from = numbers.elements("numbers", view.numbers(), size_of::<f32>())?;
    let values = values.elements("the largest numbers", found, size_of::<f32>())?;
    let indices = indices.elements("their places", found, size_of::<i64>())?;
    if found == 0 {
        return Ok(None);
    }
    let (length, k) = (count("numbers of a line", view.length)?, count("results of a line", k)?);
    let lines = count("lines", view.outer.saturating_mul(view.inner))?;
    let argument = TopK { from, values, indices, length, k, inner: view.inner as u64 };
    let (kernel, blocks) = if k <= FEW_MAX {
        ("top_k_few", blocks([lines, 1, 1])?)
    } else {
        ("top_k_many", blocks([length.div_ceil(THREADS), lines, 1])?)
    };
    Ok(Some(Launch { kernel, blocks, threads: [THREADS, 1, 1], argument }))
}
