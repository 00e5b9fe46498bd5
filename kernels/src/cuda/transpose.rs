//! The axes of a tensor of four in another order: `transpose.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{BLOCKS_YZ_MAX, Launch, LaunchError, Region, blocks};
use crate::cpu::{AxisOrder, strides};

const THREADS: u32 = 256;

/// Blocks of rows: each goes on from there.
const BLOCKS_MAX: usize = 16_384;

/// A tile's sides, and a block's rows of threads.
const TILE: u32 = 32;
const ROWS: u32 = 8;

/// The last axis.
const LAST: usize = 3;

/// The launch that a transposition is, if it has an element.
#[derive(Clone, Copy, Debug)]
pub enum Transpose {
    /// The last axis stays.
    Rows(Launch<Rows>),
    /// It does not.
    Tiles(Launch<Tiles>),
}

/// The argument of `transpose_rows_*`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Rows {
    from: u64,
    to: u64,
    sizes: [u32; 4],
    strides: [u64; 4],
}

/// The argument of `transpose_tiles_*`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Tiles {
    from: u64,
    to: u64,
    columns: u32,
    rows: u32,
    sizes: [u32; 2],
    from_row_stride: u64,
    to_column_stride: u64,
    from_strides: [u64; 2],
    to_strides: [u64; 2],
}

/// Writes the tensor `from` of `shape`, whose elements are of 1, 2, 4 or 8 bytes, to `to` with its
/// axes in another order. Twin: [`crate::cpu::transpose`]. `None` if it has no element.
///
/// # Errors
/// When the size of elements is another, or memory has another size than the tensor.
pub fn transpose(
    (from, to): (Region, Region),
    element_bytes: usize,
    shape: [usize; 4],
    order: AxisOrder,
) -> Result<Option<Transpose>, LaunchError> {
    let numbers = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
    let numbers = numbers.unwrap_or(usize::MAX);
    let what = "a tensor to be transposed";
    let addresses = [from, to].map(|memory| memory.elements(what, numbers, element_bytes));
    let [from, to] = addresses;
    let (from, to) = (from?, to?);
    if numbers == 0 {
        return Ok(None);
    }
    let made = if order.axes()[LAST] == LAST {
        Transpose::Rows(rows((from, to), element_bytes, shape, order)?)
    } else {
        Transpose::Tiles(tiles((from, to), element_bytes, shape, order)?)
    };
    Ok(Some(made))
}

fn rows(
    (from, to): (u64, u64),
    element_bytes: usize,
    shape: [usize; 4],
    order: AxisOrder,
) -> Result<Launch<Rows>, LaunchError> {
    // Rows are moved by as much at once as their length and the addresses allow.
    let row_bytes = (shape[LAST] * element_bytes) as u64;
    let wide = [16_usize, 8, 4, 2, 1].into_iter().find(|&bytes| {
        [from, to, row_bytes].iter().all(|number| number.is_multiple_of(bytes as u64))
    });
    let wide = wide.unwrap_or(1);
    let mut shape = shape;
    shape[LAST] = shape[LAST] * element_bytes / wide;
    let kernel = match wide {
        16 => "transpose_rows_16",
        8 => "transpose_rows_8",
        4 => "transpose_rows_4",
        2 => "transpose_rows_2",
        _ => "transpose_rows_1",
    };
    let total: usize = shape.iter().product();
    let threads = THREADS as usize;
    let wanted = total.div_ceil(threads).min(BLOCKS_MAX);
    let sizes = sizes(order.of(shape))?;
    let strides = order.of(strides(shape)).map(|stride| stride as u64);
    Ok(Launch {
        kernel,
        blocks: blocks([count("blocks", wanted)?, 1, 1])?,
        threads: [THREADS, 1, 1],
        argument: Rows { from, to, sizes, strides },
    })
}

fn tiles(
    (from, to): (u64, u64),
    element_bytes: usize,
    shape: [usize; 4],
    order: AxisOrder,
) -> Result<Launch<Tiles>, LaunchError> {
    let kernel = match element_bytes {
        8 => "transpose_tiles_8",
        4 => "transpose_tiles_4",
        2 => "transpose_tiles_2",
        1 => "transpose_tiles_1",
        _ => {
            let count = element_bytes as u64;
            return Err(LaunchError::TooMany { what: "bytes of an element", count, max: 8 });
        }
    };
    let (from_strides, to_strides) = (strides(shape), strides(order.of(shape)));
    let axes = order.axes();
    // Where the result has each axis of the source.
    let place = |axis| axes.iter().position(|&other| other == axis).unwrap_or(LAST);
    let row = axes[LAST];
    let mut others = (0..LAST).filter(|&axis| axis != row);
    let others = [others.next().unwrap_or(0), others.next().unwrap_or(0)];
    let all = sizes(shape)?;
    let outer = u64::from(all[others[0]]) * u64::from(all[others[1]]);
    let deep = u32::try_from(outer).unwrap_or(BLOCKS_YZ_MAX).min(BLOCKS_YZ_MAX);
    Ok(Launch {
        kernel,
        blocks: blocks([all[LAST].div_ceil(TILE), all[row].div_ceil(TILE), deep])?,
        threads: [TILE, ROWS, 1],
        argument: Tiles {
            from,
            to,
            columns: all[LAST],
            rows: all[row],
            sizes: others.map(|axis| all[axis]),
            from_row_stride: from_strides[row] as u64,
            to_column_stride: to_strides[place(LAST)] as u64,
            from_strides: others.map(|axis| from_strides[axis] as u64),
            to_strides: others.map(|axis| to_strides[place(axis)] as u64),
        },
    })
}

fn sizes(shape: [usize; 4]) -> Result<[u32; 4], LaunchError> {
    let mut sizes = [0; 4];
    for (size, axis) in sizes.iter_mut().zip(shape) {
        *size = count("elements along an axis", axis)?;
    }
    Ok(sizes)
}
