//! Rows of several tensors in one, and back, and tensors in turn along another axis: `copy.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};

/// Copies of a launch: `PARTS_MAX` of the kernel.
const PARTS_MAX: usize = 160;

/// Tensors of a launch: `TENSORS_MAX` of the kernel.
const TENSORS_MAX: usize = 96;

const THREADS: u32 = 256;

/// Bytes that a thread moves at once.
const VECTOR_BYTES: usize = 16;

/// Blocks for each part: enough for every device to be busy, each block goes on from there.
const BLOCKS_MAX: u32 = 1024;

/// The argument of `copy_parts`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Copies {
    parts: [Part; PARTS_MAX],
}

/// Bytes that are copied; what has none is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Part {
    from: u64,
    to: u64,
    size_bytes: u64,
}

/// A tensor that is written in blocks.
#[derive(Clone, Copy, Debug)]
pub struct Blocks {
    /// All of its bytes.
    pub from: Region,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Where the first one goes.
    pub start: usize,
}

/// The argument of `copy_blocks`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Interleave {
    tensors: [Interleaved; TENSORS_MAX],
}

/// A tensor of it; what has no bytes is skipped.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Interleaved {
    from: u64,
    to: u64,
    size_bytes: u64,
    block_bytes: u64,
    step_bytes: u64,
}

/// Writes `parts` one after the other to `whole`, which they fill.
///
/// # Errors
/// When they do not.
pub fn gather(parts: &[Region], whole: Region) -> Result<Vec<Launch<Copies>>, LaunchError> {
    launches(parts, whole, |part, whole| (part, whole))
}

/// Writes `whole` to `parts`, one after the other, which it fills.
///
/// # Errors
/// When it does not.
pub fn scatter(whole: Region, parts: &[Region]) -> Result<Vec<Launch<Copies>>, LaunchError> {
    launches(parts, whole, |part, whole| (whole, part))
}

fn launches(
    parts: &[Region],
    whole: Region,
    direction: impl Fn(u64, u64) -> (u64, u64),
) -> Result<Vec<Launch<Copies>>, LaunchError> {
    let sizes = parts.iter().map(|part| part.size_bytes());
    let total = sizes.fold(0_usize, usize::saturating_add);
    let mut place = whole.elements("parts of a tensor", total, 1)?;
    let mut copies = Vec::with_capacity(parts.len());
    for part in parts {
        let (from, to) = direction(part.address(), place);
        let size_bytes = part.size_bytes() as u64;
        place += size_bytes;
        if size_bytes > 0 {
            copies.push(Part { from, to, size_bytes });
        }
    }
    copies.chunks(PARTS_MAX).map(launch).collect()
}

/// Writes the blocks of each of `tensors`, one after the other in it, to `whole`, where they begin
/// `step_bytes` apart.
///
/// # Errors
/// When a tensor is no whole number of blocks, or one of them does not lie in `whole`.
pub fn interleave(
    tensors: &[Blocks],
    whole: Region,
    step_bytes: usize,
) -> Result<Vec<Launch<Interleave>>, LaunchError> {
    let mut copies = Vec::with_capacity(tensors.len());
    for tensor in tensors.iter().filter(|tensor| tensor.from.size_bytes() > 0) {
        copies.push(interleaved(tensor, whole, step_bytes)?);
    }
    let launch = |tensors: &[Interleaved]| {
        let mut argument = Interleave::zeroed();
        argument.tensors[..tensors.len()].copy_from_slice(tensors);
        let most = tensors.iter().map(|tensor| tensor.size_bytes).max();
        let blocks = blocks([width(most), count("tensors", tensors.len())?, 1])?;
        Ok(Launch { kernel: "copy_blocks", blocks, threads: [THREADS, 1, 1], argument })
    };
    copies.chunks(TENSORS_MAX).map(launch).collect()
}

fn interleaved(
    &Blocks { from, block_bytes, start }: &Blocks,
    whole: Region,
    step_bytes: usize,
) -> Result<Interleaved, LaunchError> {
    let what = "blocks of a tensor";
    let number = from.size_bytes().checked_div(block_bytes).unwrap_or_default();
    let expected = number.saturating_mul(block_bytes);
    let actual = from.size_bytes();
    if expected != actual || block_bytes > step_bytes {
        return Err(LaunchError::Size { what, expected: block_bytes, actual });
    }
    let end = number.saturating_sub(1).saturating_mul(step_bytes);
    let end = end.saturating_add(start).saturating_add(block_bytes);
    if end > whole.size_bytes() {
        return Err(LaunchError::Size { what, expected: end, actual: whole.size_bytes() });
    }
    Ok(Interleaved {
        from: from.address(),
        to: whole.address() + start as u64,
        size_bytes: actual as u64,
        block_bytes: block_bytes as u64,
        step_bytes: step_bytes as u64,
    })
}

fn launch(parts: &[Part]) -> Result<Launch<Copies>, LaunchError> {
    let mut argument = Copies::zeroed();
    argument.parts[..parts.len()].copy_from_slice(parts);
    let most = parts.iter().map(|part| part.size_bytes).max();
    let blocks = blocks([width(most), count("parts", parts.len())?, 1])?;
    Ok(Launch { kernel: "copy_parts", blocks, threads: [THREADS, 1, 1], argument })
}

/// Blocks for each of several copies, of which the largest has so many bytes.
fn width(most: Option<u64>) -> u32 {
    let vectors = most.unwrap_or_default().div_ceil(VECTOR_BYTES as u64).div_ceil(THREADS.into());
    u32::try_from(vectors).unwrap_or(BLOCKS_MAX).clamp(1, BLOCKS_MAX)
}
