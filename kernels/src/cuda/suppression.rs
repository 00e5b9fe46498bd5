//! Non-maximum suppression: `suppression.cu`.

use bytemuck::{Pod, Zeroable};

use super::detection::box_address;
use super::letterbox::LetterboxAddresses;
use super::region::count;
use super::{Launch, LaunchError, Letterboxes, Region, blocks};
use crate::cpu::{Overlap, Scope, Shape, Suppression};

const THREADS: u32 = 256;

/// Candidates of a picture whose marks fit a block's memory: `CANDIDATES_MAX` of the kernel.
const CANDIDATES_MAX: usize = 1 << 16;

/// The candidates of several pictures by falling score, as [`super::top_k`] orders the scores.
#[derive(Clone, Copy, Debug)]
pub struct Ordered {
    /// How many pictures.
    pub pictures: usize,
    /// Candidates of each.
    pub places: usize,
    /// Corners of each candidate, FP32.
    pub corners: Region,
    /// Classes of each candidate, INT32; absent: all are 0.
    pub classes: Option<Region>,
    /// The highest scores of each picture, FP32: as many as are looked at. A NaN ends them.
    pub scores: Region,
    /// Which candidates have them, INT64.
    pub order: Region,
}

/// What becomes of boxes that are kept, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Four numbers of FP32 for each candidate, by which its box is corrected; one that is not finite
    /// then is dropped.
    pub corrections: Option<Region>,
    /// What boxes are brought to.
    pub shape: Shape,
    /// The way back to the pictures' pixels.
    pub letterboxes: Letterboxes,
}

/// What is kept of each picture, `detections_max` of all but `counts`, which is one. Behind what is
/// found, boxes and scores are 0, classes and places -1.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// FP32, left, top, right, bottom.
    pub boxes: Region,
    /// FP32.
    pub scores: Region,
    /// INT32.
    pub classes: Region,
    /// INT64: which candidates they were.
    pub places: Region,
    /// INT32.
    pub counts: Region,
}

/// The argument of `suppress`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Suppress {
    corners: u64,
    classes: u64,
    order: u64,
    scores: u64,
    corrections: u64,
    by: LetterboxAddresses,
    kept_boxes: u64,
    kept_scores: u64,
    kept_classes: u64,
    kept_places: u64,
    counts: u64,
    places: u32,
    candidates: u32,
    detections_max: u32,
    is_of_all_classes: u32,
    is_of_smaller: u32,
    is_square: u32,
    iou_threshold: f32,
    unused: u32,
}

/// Thins out candidates. Twins: [`crate::cpu::suppress`], [`crate::cpu::Corrections`], [`Shape`] and
/// [`crate::cpu::Letterbox`]. `None` if there is no picture.
///
/// # Errors
/// When memory has another size, or more candidates are looked at than a block has marks for.
pub fn suppress(
    how: &Suppression,
    ordered: &Ordered,
    closing: &Closing,
    kept: &Kept,
) -> Result<Option<Launch<Suppress>>, LaunchError> {
    let Ordered { pictures, places, .. } = *ordered;
    let candidates = how.candidates_max.min(places);
    if candidates > CANDIDATES_MAX {
        let (count, max) = (candidates as u64, CANDIDATES_MAX as u64);
        return Err(LaunchError::TooMany { what: "candidates of a picture", count, max });
    }
    let (all, looked_at) = (places.saturating_mul(pictures), candidates.saturating_mul(pictures));
    let found = how.detections_max.saturating_mul(pictures);
    let optional = |memory: Option<Region>, what, numbers, bytes| {
        memory.map_or(Ok(0), |memory| memory.elements(what, numbers, bytes))
    };
    let argument = Suppress {
        corners: box_address("corners of candidates", ordered.corners, all)?,
        classes: optional(ordered.classes, "classes of candidates", all, size_of::<i32>())?,
        order: ordered.order.elements("places by score", looked_at, size_of::<i64>())?,
        scores: ordered.scores.elements("scores in order", looked_at, size_of::<f32>())?,
        corrections: optional(closing.corrections, "corrections", all, 4 * size_of::<f32>())?,
        by: closing.letterboxes.addresses(pictures)?,
        kept_boxes: box_address("boxes that are kept", kept.boxes, found)?,
        kept_scores: kept.scores.elements("their scores", found, size_of::<f32>())?,
        kept_classes: kept.classes.elements("their classes", found, size_of::<i32>())?,
        kept_places: kept.places.elements("their places", found, size_of::<i64>())?,
        counts: kept.counts.elements("their number", pictures, size_of::<i32>())?,
        places: count("places", places)?,
        candidates: count("candidates", candidates)?,
        detections_max: count("detections", how.detections_max)?,
        is_of_all_classes: (how.scope == Scope::All).into(),
        is_of_smaller: (how.overlap == Overlap::Smaller).into(),
        is_square: (closing.shape == Shape::Square).into(),
        iou_threshold: how.iou_threshold,
        unused: 0,
    };
    if pictures == 0 {
        return Ok(None);
    }
    Ok(Some(Launch {
        kernel: "suppress",
        blocks: blocks([count("pictures", pictures)?, 1, 1])?,
        threads: [THREADS, 1, 1],
        argument,
    }))
}
