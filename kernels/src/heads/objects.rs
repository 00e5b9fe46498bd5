//! From a detector's numbers, or boxes, to the objects that are kept.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::letterbox::{read, region};
use super::{Faults, Way, enqueue};
use crate::cpu::{AxisView, BoxFormat, Decoding, PlaceAxis, Shape, Suppression};
use crate::cuda::{
    self, Candidates, Detections, Kept, Ordered, decode_detections, narrow_classes, score_boxes,
    suppress, top_k,
};
use crate::device::Allocation;
use crate::executor::{Executor, Work};

/// Candidates of several pictures, a line for each place, whether there is one or not.
pub struct Found {
    pictures: usize,
    /// Of each picture.
    places: usize,
    corners: Allocation,
    scores: Allocation,
    /// INT32; all are 0, if there are none.
    classes: Option<Tensor>,
}

/// What becomes of the boxes that are kept.
pub struct Closing<'a> {
    /// FP32, four numbers for each place.
    pub corrections: Option<&'a Tensor>,
    /// What boxes are brought to.
    pub shape: Shape,
    /// The way back to the pictures' own pixels.
    pub way: &'a Way,
}

/// What is kept, padded as the postprocess backend pads it. Shapes begin with those of a list.
pub struct Objects {
    /// FP32, left, top, right, bottom.
    pub boxes: Tensor,
    /// FP32.
    pub scores: Tensor,
    /// INT32.
    pub classes: Tensor,
    /// INT64.
    pub places: Tensor,
    /// INT32 `[pictures, 1]`.
    pub counts: Tensor,
}

impl Found {
    /// Room for them.
    pub(super) fn new(
        work: &Work<'_>,
        pictures: usize,
        places: usize,
    ) -> Result<(Self, Candidates), InferError> {
        let all = places.saturating_mul(pictures);
        let (corners, to_corners) = work.allocate(size_of::<[f32; 4]>().saturating_mul(all))?;
        let (scores, to_scores) = work.allocate(size_of::<f32>().saturating_mul(all))?;
        let candidates = Candidates { corners: to_corners, scores: to_scores };
        Ok((Self { pictures, places, corners, scores, classes: None }, candidates))
    }

    /// Those in the output of a detector: FP32 `numbers`, of each picture `shape`. Twin:
    /// [`Decoding::candidates`].
    ///
    /// # Errors
    /// See [`decode_detections`], and what the device tells.
    pub fn decode(
        executor: &Executor,
        decoding: &Decoding,
        (numbers, pictures, shape): (&Tensor, usize, [usize; 2]),
    ) -> Result<Self, InferError> {
        let mut work = executor.work();
        let detections = Detections { numbers: work.read(numbers)?, pictures, shape };
        let places = match decoding.place_axis {
            PlaceAxis::Last => shape[1],
            PlaceAxis::First => shape[0],
        };
        let (found, candidates) = Self::new(&work, pictures, places)?;
        let all = places.saturating_mul(pictures);
        let (classes, to) = work.allocate(size_of::<i32>().saturating_mul(all))?;
        let launch = decode_detections(decoding, &detections, (&candidates, to))?;
        // SAFETY: all regions are the work's.
        unsafe { enqueue(&work, launch) }?;
        let classes = executor.tensor(DataType::Int32, vec![all], classes)?;
        Ok(Self { classes: Some(classes), ..found })
    }

    /// Those of FP32 `boxes`, four numbers for each of the `scores` of `pictures` pictures, that are
    /// sure enough.
    ///
    /// # Errors
    /// See [`score_boxes`], and what the device tells.
    pub fn of_boxes(
        executor: &Executor,
        (boxes, scores): (&Tensor, &Tensor),
        (pictures, places): (usize, usize),
        (format, threshold): (BoxFormat, f32),
    ) -> Result<Self, InferError> {
        let mut work = executor.work();
        let memory = (work.read(boxes)?, work.read(scores)?);
        let (found, candidates) = Self::new(&work, pictures, places)?;
        // SAFETY: all regions are the work's.
        unsafe { enqueue(&work, score_boxes(memory, format, threshold, &candidates)?) }?;
        Ok(found)
    }

    /// The same, of these `classes`, INT32.
    pub fn with_classes(self, classes: Tensor) -> Self {
        Self { classes: Some(classes), ..self }
    }

    /// The same, of these `classes`, INT64, of which those that do not fit INT32 are faults where there
    /// is a candidate.
    ///
    /// # Errors
    /// See [`narrow_classes`], and what the device tells.
    pub fn with_wide_classes(
        self,
        executor: &Executor,
        classes: &Tensor,
        faults: &mut Faults,
    ) -> Result<Self, InferError> {
        let all = self.places.saturating_mul(self.pictures);
        let mut work = executor.work();
        let from = work.read(classes)?;
        let (narrow, to) = work.allocate(size_of::<i32>().saturating_mul(all))?;
        let scores = region(&self.scores);
        let launch = narrow_classes((from, to), scores, self.places, faults.region())?;
        // SAFETY: regions are the work's, and of allocations of its stream.
        unsafe { enqueue(&work, launch) }?;
        let classes = executor.tensor(DataType::Int32, vec![all], narrow)?;
        Ok(Self { classes: Some(classes), ..self })
    }

    /// Those that suppression keeps. Lists are of the axes `lists`, the last of which is
    /// `detections_max`. Twin: [`crate::cpu::suppress`].
    ///
    /// # Errors
    /// See [`suppress`], and what the device tells.
    pub fn keep(
        self,
        executor: &Executor,
        how: &Suppression,
        closing: &Closing<'_>,
        lists: &[usize],
    ) -> Result<Objects, InferError> {
        let Self { pictures, places, ref corners, ref scores, ref classes } = self;
        let mut work = executor.work();
        let looked_at = how.candidates_max.min(places).saturating_mul(pictures);
        let (_scores, values) = work.allocate(size_of::<f32>().saturating_mul(looked_at))?;
        let (_order, order) = work.allocate(size_of::<i64>().saturating_mul(looked_at))?;
        let view = AxisView { outer: pictures, length: places, inner: 1 };
        let launch = top_k(region(scores), view, how.candidates_max, (values, order))?;
        // SAFETY: regions are the work's, and of allocations of its stream.
        unsafe { enqueue(&work, launch) }?;
        let classes = read(&mut work, classes.as_ref())?;
        let corners = region(corners);
        let ordered = Ordered { pictures, places, corners, classes, scores: values, order };
        let closing = cuda::Closing {
            corrections: read(&mut work, closing.corrections)?,
            shape: closing.shape,
            letterboxes: closing.way.regions(),
        };
        let all = how.detections_max.saturating_mul(pictures);
        let room = |bytes: usize| work.allocate(bytes.saturating_mul(all));
        let (boxes, to_boxes) = room(size_of::<[f32; 4]>())?;
        let (scores, to_scores) = room(size_of::<f32>())?;
        let (classes, to_classes) = room(size_of::<i32>())?;
        let (kept_places, to_places) = room(size_of::<i64>())?;
        let (counts, to_counts) = work.allocate(size_of::<i32>().saturating_mul(pictures))?;
        let kept = Kept {
            boxes: to_boxes,
            scores: to_scores,
            classes: to_classes,
            places: to_places,
            counts: to_counts,
        };
        // SAFETY: as above, and the closing's, which is of this stream.
        unsafe { enqueue(&work, suppress(how, &ordered, &closing, &kept)?) }?;
        Ok(Objects {
            boxes: executor.tensor(DataType::Fp32, [lists, &[4]].concat(), boxes)?,
            scores: executor.tensor(DataType::Fp32, lists.to_vec(), scores)?,
            classes: executor.tensor(DataType::Int32, lists.to_vec(), classes)?,
            places: executor.tensor(DataType::Int64, lists.to_vec(), kept_places)?,
            counts: executor.tensor(DataType::Int32, vec![pictures, 1], counts)?,
        })
    }
}
