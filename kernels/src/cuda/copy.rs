//! Rows of several tensors in one, and back: `copy.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};

/// Copies of a launch: `PARTS_MAX` of the kernel.
const PARTS_MAX: usize = 160;

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

fn launch(parts: &[Part]) -> Result<Launch<Copies>, LaunchError> {
    let mut argument = Copies::zeroed();
    argument.parts[..parts.len()].copy_from_slice(parts);
    let most = parts.iter().map(|part| part.size_bytes).max().unwrap_or_default();
    let vectors = most.div_ceil(VECTOR_BYTES as u64).div_ceil(THREADS.into());
    let wide = u32::try_from(vectors).unwrap_or(BLOCKS_MAX).clamp(1, BLOCKS_MAX);
    Ok(Launch {
        kernel: "copy_parts",
        blocks: blocks([wide, count("parts", parts.len())?, 1])?,
        threads: [THREADS, 1, 1],
        argument,
    })
}
