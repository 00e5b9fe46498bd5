//! Which steps of sequences are kept: `ctc.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};

const THREADS: u32 = 128;

/// Sequences of steps, of each of which [`super::top_k`] has found the largest number.
#[derive(Clone, Copy, Debug)]
pub struct Sequences {
    /// How many.
    pub rows: usize,
    /// Steps of each.
    pub steps: usize,
    /// FP32, the largest number of each step.
    pub numbers: Region,
    /// INT64, its class.
    pub classes: Region,
}

/// The argument of `collapse`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Collapse {
    numbers: u64,
    classes: u64,
    kept: u64,
    scores: u64,
    steps: u32,
    blank: i32,
}

/// Tells which steps are kept, that are no blanks and no repetitions: `kept` is INT32, the class of
/// each that is, and -1; `scores` is FP32, the mean of their numbers, or 0. `None` if there is no
/// sequence.
///
/// # Errors
/// When memory has another size, or the blank is no INT32.
pub fn collapse(
    sequences: &Sequences,
    blank: usize,
    (kept, scores): (Region, Region),
) -> Result<Option<Launch<Collapse>>, LaunchError> {
    let Sequences { rows, steps, numbers, classes } = *sequences;
    let all = rows.saturating_mul(steps);
    let too_many = |_| LaunchError::TooMany {
        what: "the blank, from 0",
        count: blank as u64,
        max: i32::MAX.unsigned_abs().into(),
    };
    let argument = Collapse {
        numbers: numbers.elements("largest numbers", all, size_of::<f32>())?,
        classes: classes.elements("their classes", all, size_of::<i64>())?,
        kept: kept.elements("classes that are kept", all, size_of::<i32>())?,
        scores: scores.elements("scores of sequences", rows, size_of::<f32>())?,
        steps: count("steps", steps)?,
        blank: i32::try_from(blank).map_err(too_many)?,
    };
    if rows == 0 {
        return Ok(None);
    }
    let blocks = blocks([count("sequences", rows)?, 1, 1])?;
    Ok(Some(Launch { kernel: "collapse", blocks, threads: [THREADS, 1, 1], argument }))
}
