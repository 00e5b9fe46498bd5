//! How pictures were brought into a model's input, and what is wrong with what was said of them:
//! `letterbox.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};

const THREADS: u32 = 256;

/// Bits of a row's faults: a size is no `u16`, a scale or an offset is not as it must be, a class does
/// not fit INT32.
pub const BAD_SIZE: i32 = 1;
/// See [`BAD_SIZE`].
pub const BAD_TRANSFORM: i32 = 2;
/// See [`BAD_SIZE`].
pub const BAD_CLASS: i32 = 4;

/// The way back to each picture's own pixels; what is absent is not done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Letterboxes {
    /// Scale and offset, four numbers of FP32.
    pub transforms: Option<Region>,
    /// Height and width, INT32, to which places are limited.
    pub sizes: Option<Region>,
}

/// What requests say of it, for each row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// FP32, scale and offset along x and y.
    pub transforms: Option<Region>,
    /// FP32, the first half of them, where there are no transforms.
    pub scales: Option<Region>,
    /// FP32, the other half.
    pub offsets: Option<Region>,
    /// Height and width: INT32, or INT64, as their number of bytes tells.
    pub sizes: Option<Region>,
}

/// As kernels take them.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct LetterboxAddresses {
    transforms: u64,
    sizes: u64,
}

/// The argument of `read_letterboxes`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ReadLetterboxes {
    transforms: u64,
    scales: u64,
    offsets: u64,
    sizes: u64,
    read_transforms: u64,
    read_sizes: u64,
    faults: u64,
    rows: u32,
    is_wide: u32,
}

/// The argument of `narrow_classes`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct NarrowClasses {
    classes: u64,
    scores: u64,
    narrow: u64,
    faults: u64,
    count: u64,
    places: u32,
    unused: u32,
}

/// Makes transforms and sizes of what is said of `rows` rows, and adds to the faults of each, INT32,
/// what is wrong: a scale that is not greater than 0, what is not finite, a side that has not 16 bits.
/// Sizes are written if they are said.
///
/// # Errors
/// When memory has another size, or there are too many rows.
pub fn read_letterboxes(
    said: &Said,
    rows: usize,
    (transforms, sizes): (Region, Option<Region>),
    faults: Region,
) -> Result<Option<Launch<ReadLetterboxes>>, LaunchError> {
    let optional = |memory: Option<Region>, what, bytes| {
        memory.map_or(Ok(0), |memory| memory.elements(what, rows, bytes))
    };
    let side_bytes = said.sizes.map_or(0, Region::size_bytes) / (2 * rows.max(1));
    let is_wide = side_bytes == size_of::<i64>();
    let side_bytes = if is_wide { size_of::<i64>() } else { size_of::<i32>() };
    let argument = ReadLetterboxes {
        transforms: optional(said.transforms, "transforms", 4 * size_of::<f32>())?,
        scales: optional(said.scales, "scales", 2 * size_of::<f32>())?,
        offsets: optional(said.offsets, "offsets", 2 * size_of::<f32>())?,
        sizes: optional(said.sizes, "sizes of pictures", 2 * side_bytes)?,
        read_transforms: transforms.elements("transforms", rows, 4 * size_of::<f32>())?,
        read_sizes: optional(sizes, "sizes of pictures", 2 * size_of::<i32>())?,
        faults: faults.elements("faults of rows", rows, size_of::<i32>())?,
        rows: count("rows", rows)?,
        is_wide: is_wide.into(),
    };
    if said.sizes.is_some() && sizes.is_none() {
        let expected = 2 * size_of::<i32>() * rows;
        return Err(LaunchError::Size { what: "sizes of pictures", expected, actual: 0 });
    }
    launch("read_letterboxes", rows, argument)
}

/// Makes INT32 of INT64 `classes`, of each row `places`. One that does not fit is a fault of its row
/// where its score, FP32, is no NaN.
///
/// # Errors
/// When memory has another size, or there are too many.
pub fn narrow_classes(
    (classes, narrow): (Region, Region),
    scores: Region,
    places: usize,
    faults: Region,
) -> Result<Option<Launch<NarrowClasses>>, LaunchError> {
    let all = places.saturating_mul(faults.size_bytes() / size_of::<i32>());
    let argument = NarrowClasses {
        classes: classes.elements("classes", all, size_of::<i64>())?,
        scores: scores.elements("scores of candidates", all, size_of::<f32>())?,
        narrow: narrow.elements("classes of candidates", all, size_of::<i32>())?,
        faults: faults.aligned("faults of rows", size_of::<i32>())?,
        count: all as u64,
        places: count("places", places)?,
        unused: 0,
    };
    launch("narrow_classes", all, argument)
}

/// A thread for each of `all`.
fn launch<A>(
    kernel: &'static str,
    all: usize,
    argument: A,
) -> Result<Option<Launch<A>>, LaunchError> {
    if all == 0 {
        return Ok(None);
    }
    let wide = count("threads", all)?.div_ceil(THREADS);
    let blocks = blocks([wide, 1, 1])?;
    Ok(Some(Launch { kernel, blocks, threads: [THREADS, 1, 1], argument }))
}

impl Letterboxes {
    /// Where those of `pictures` are, 0 for what is absent.
    pub(super) fn addresses(&self, pictures: usize) -> Result<LetterboxAddresses, LaunchError> {
        let optional = |memory: Option<Region>, what, bytes| {
            memory.map_or(Ok(0), |memory| memory.elements(what, pictures, bytes))
        };
        Ok(LetterboxAddresses {
            transforms: optional(self.transforms, "transforms", 4 * size_of::<f32>())?,
            sizes: optional(self.sizes, "sizes of pictures", 2 * size_of::<i32>())?,
        })
    }
}
