//! From a detector's output to candidates: `detection.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};
use crate::cpu::{Activation, BoxFormat, Decoding, Objectness, PlaceAxis};

const THREADS: u32 = 256;

/// Of the kernels.
const IS_CORNERS: u32 = 1;
const HAS_OBJECTNESS: u32 = 2;
const IS_LOGIT: u32 = 4;

/// The outputs of a detector for several pictures.
#[derive(Clone, Copy, Debug)]
pub struct Detections {
    /// FP32, of each picture `shape`.
    pub numbers: Region,
    /// How many pictures.
    pub pictures: usize,
    /// As [`Decoding`] reads it.
    pub shape: [usize; 2],
}

/// A candidate for each place of each picture, all FP32. What is none has the score NaN.
#[derive(Clone, Copy, Debug)]
pub struct Candidates {
    /// Left, top, right, bottom.
    pub corners: Region,
    /// How sure they are.
    pub scores: Region,
}

/// The argument of `decode_detections`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Decode {
    numbers: u64,
    corners: u64,
    scores: u64,
    classes: u64,
    places: u32,
    class_count: u32,
    number_stride: u64,
    place_stride: u64,
    picture_stride: u64,
    flags: u32,
    score_threshold: f32,
    coordinate_scale: [f32; 2],
}

/// The argument of `score_boxes`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ScoreBoxes {
    boxes: u64,
    scores: u64,
    corners: u64,
    kept_scores: u64,
    count: u64,
    flags: u32,
    score_threshold: f32,
}

/// Decodes the output of a detector to candidates and their classes, INT32, -1 of what is none. Twin: [`Decoding::candidates`]. `None` if there is no place.
///
/// # Errors
/// When memory has another size, there are no classes, or more than 65535 pictures.
pub fn decode_detections(
    decoding: &Decoding,
    detections: &Detections,
    (candidates, classes): (&Candidates, Region),
) -> Result<Option<Launch<Decode>>, LaunchError> {
    let [rows, columns] = detections.shape;
    let numbers = rows.saturating_mul(columns);
    let (places, strides) = match decoding.place_axis {
        PlaceAxis::Last => (columns, [columns, 1]),
        PlaceAxis::First => (rows, [1, columns]),
    };
    let all = places.saturating_mul(detections.pictures);
    let total = numbers.saturating_mul(detections.pictures);
    let from = detections.numbers.elements("a detector's output", total, size_of::<f32>())?;
    let [corners, scores] = candidates.addresses(all)?;
    let classes = classes.elements("classes of candidates", all, size_of::<i32>())?;
    let Some(class_count) = decoding.classes(detections.shape) else {
        return Err(LaunchError::TooMany {
            what: "numbers of a place that are no class",
            count: 4 + u64::from(decoding.objectness == Objectness::Present),
            max: numbers.checked_div(places).unwrap_or_default() as u64,
        });
    };
    if all == 0 {
        return Ok(None);
    }
    let places = count("places", places)?;
    let has = |is_so: bool, flag: u32| if is_so { flag } else { 0 };
    let argument = Decode {
        numbers: from,
        corners,
        scores,
        classes,
        places,
        class_count: count("classes", class_count)?,
        number_stride: strides[0] as u64,
        place_stride: strides[1] as u64,
        picture_stride: numbers as u64,
        flags: has(decoding.objectness == Objectness::Present, HAS_OBJECTNESS)
            | has(decoding.activation == Activation::Sigmoid, IS_LOGIT)
            | corner_flag(decoding.box_format),
        score_threshold: decoding.score_threshold,
        coordinate_scale: decoding.coordinate_scale,
    };
    let pictures = count("pictures", detections.pictures)?;
    Ok(Some(Launch {
        kernel: "decode_detections",
        blocks: blocks([places.div_ceil(THREADS), pictures, 1])?,
        threads: [THREADS, 1, 1],
        argument,
    }))
}

/// Makes candidates of `boxes` and `scores` that a model has decoded: those whose score is greater
/// than the threshold and whose box is finite. `None` if there is no box.
///
/// # Errors
/// When memory has another size.
pub fn score_boxes(
    (boxes, scores): (Region, Region),
    format: BoxFormat,
    score_threshold: f32,
    candidates: &Candidates,
) -> Result<Option<Launch<ScoreBoxes>>, LaunchError> {
    let number = scores.size_bytes() / size_of::<f32>();
    let scores = scores.elements("scores", number, size_of::<f32>())?;
    let boxes = box_address("boxes", boxes, number)?;
    let [corners, kept_scores] = candidates.addresses(number)?;
    if number == 0 {
        return Ok(None);
    }
    let flags = corner_flag(format);
    let all = count("boxes", number)?;
    Ok(Some(Launch {
        kernel: "score_boxes",
        blocks: blocks([all.div_ceil(THREADS), 1, 1])?,
        threads: [THREADS, 1, 1],
        argument: ScoreBoxes {
            boxes,
            scores,
            corners,
            kept_scores,
            count: all.into(),
            flags,
            score_threshold,
        },
    }))
}

fn corner_flag(format: BoxFormat) -> u32 {
    if format == BoxFormat::Corners { IS_CORNERS } else { 0 }
}

/// Where boxes are, which are read four numbers at once.
pub(super) fn box_address(
    what: &'static str,
    memory: Region,
    boxes: usize,
) -> Result<u64, LaunchError> {
    memory.elements(what, boxes, 4 * size_of::<f32>())
}

impl Candidates {
    /// Where the corners and the scores of `count` are.
    pub(super) fn addresses(&self, count: usize) -> Result<[u64; 2], LaunchError> {
        Ok([
            box_address("corners of candidates", self.corners, count)?,
            self.scores.elements("scores of candidates", count, size_of::<f32>())?,
        ])
    }
}
