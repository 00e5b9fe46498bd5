//! Softmax along an axis: `softmax.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};
use crate::cpu::AxisView;

/// Threads of a warp, and most of a block.
const LANES: u32 = 32;
const THREADS_MAX: u32 = 256;

/// Threads of a block along x and y, where the axis is not the last one.
const BLOCK: [u32; 2] = [32, 8];

/// The argument of both kernels.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Softmax {
    from: u64,
    to: u64,
    length: u32,
    inner: u32,
}

/// Softmax of FP32 along the axis that `view` names. Twin: [`crate::cpu::softmax`]; NaNs may have
/// other bits. `None` if there is no element.
///
/// # Errors
/// When memory has another size, or there are too many lines: 65535 blocks before an axis that is
/// not the last one.
pub fn softmax(
    (from, to): (Region, Region),
    view: AxisView,
) -> Result<Option<Launch<Softmax>>, LaunchError> {
    let numbers = view.numbers();
    let from = from.elements("numbers for softmax", numbers, size_of::<f32>())?;
    let to = to.elements("results of softmax", numbers, size_of::<f32>())?;
    if numbers == 0 {
        return Ok(None);
    }
    let outer = count("lines", view.outer)?;
    let (length, inner) = (count("numbers of a line", view.length)?, count("columns", view.inner)?);
    let argument = Softmax { from, to, length, inner };
    let launch = if inner == 1 {
        let threads = length.next_multiple_of(LANES).min(THREADS_MAX);
        let kernel = "softmax_rows";
        Launch { kernel, blocks: blocks([outer, 1, 1])?, threads: [threads, 1, 1], argument }
    } else {
        let [columns, rows] = BLOCK;
        let blocks = blocks([inner.div_ceil(columns), outer, 1])?;
        Launch { kernel: "softmax_columns", blocks, threads: [columns, rows, 1], argument }
    };
    Ok(Some(launch))
}
