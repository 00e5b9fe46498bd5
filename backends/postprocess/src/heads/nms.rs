//! `nms`: non-maximum suppression of boxes that another model has decoded.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::{BoxFormat, Candidate, Shape, Suppression, suppress};

use super::detection::box_format;
use nereid_kernels::heads::{Closing, Found};

use super::objects::{self, BOXES, CLASSES, DETECTIONS_MAX, Objects, SCORES};
use crate::device::{Answers, DeviceHead, Group, faults};
use crate::found::Lists;
use crate::head::{Head, Inputs, Operation};
use crate::labels::Labels;
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Nms {
    box_format: BoxFormat,
    score_threshold: f32,
    suppression: Suppression,
}

impl Nms {
    pub(crate) const NAME: &str = "nms";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let operation = Self {
            box_format: box_format(&mut reader),
            score_threshold: reader.number("score_threshold", 0.0..=1.0, 0.25),
            suppression: objects::suppression(&mut reader),
        };
        reader.finish()?;
        Ok(Box::new(operation))
    }
}

impl Operation for Nms {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let mut inputs = vec![
            Port::new(BOXES, &[DataType::Fp32], [Dim::Any, Dim::Fixed(4)]),
            Port::new(SCORES, &[DataType::Fp32], [Dim::Any]),
            Port::new(CLASSES, &[DataType::Int32, DataType::Int64], [Dim::Any]).if_written(),
        ];
        inputs.extend(letterbox::ports());
        complete(user, layout, &inputs, &objects::ports(layout, self.suppression.detections_max))
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let lists = Lists::new(DETECTIONS_MAX, self.suppression.detections_max, rows_max)?;
        Ok(Arc::new(NmsHead {
            operation: *self,
            lists,
            letterbox: LetterboxInputs::of(signature, lists.layout),
            labels: Labels::of(signature)?.map(Arc::new),
        }))
    }
}

struct NmsHead {
    operation: Nms,
    lists: Lists,
    letterbox: LetterboxInputs,
    labels: Option<Arc<Labels>>,
}

impl Head for NmsHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let (layout, places) = (self.lists.layout, self.places(inputs)?);
        let (boxes, scores) = (inputs.rows::<2>(BOXES, layout)?, inputs.rows::<1>(SCORES, layout)?);
        let has_classes = inputs.request.input(CLASSES).is_some();
        let classes = has_classes.then(|| inputs.integers(CLASSES)).transpose()?;
        let mut objects = Objects::new(self.lists);
        for (index, letterbox) in self.letterbox.read(inputs)?.iter().enumerate() {
            let classes = classes.as_ref().map(|classes| &classes[index * places..]);
            let candidates = self.candidates(boxes.get(index), scores.get(index), classes)?;
            objects.push_row(&suppress(candidates, &self.operation.suppression), letterbox);
        }
        objects.outputs(self.labels.as_deref())
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for NmsHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.places(inputs)?;
        self.letterbox.check(inputs)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let Nms { box_format, score_threshold, suppression } = &self.operation;
        let (boxes, scores) = (group.tensor(BOXES)?, group.tensor(SCORES)?);
        let (rows, places) = (group.rows(), self.places(&group.first())?);
        let how = (*box_format, *score_threshold);
        let mut found = Found::of_boxes(group.executor, (&boxes, &scores), (rows, places), how)?;
        let mut wrong = None;
        let way = self.letterbox.enqueue(group, &mut wrong)?;
        if let Some(classes) = group.optional(CLASSES)? {
            found = if classes.data_type() == DataType::Int32 {
                found.with_classes(classes)
            } else {
                let faults = faults::of(group, &mut wrong)?;
                found.with_wide_classes(group.executor, &classes, faults)?
            };
        }
        let closing = Closing { corrections: None, shape: Shape::Free, way: &way };
        let to = (self.lists, self.labels.as_ref());
        objects::enqueue(group, (found, suppression), (&closing, wrong), to)
    }
}

impl NmsHead {
    /// Checks the shapes, and tells how many places a row has.
    fn places(&self, inputs: &Inputs<'_>) -> Result<usize, InferError> {
        let layout = self.lists.layout;
        let [places, _] = inputs.row_shape::<2>(BOXES, layout)?;
        let scores = inputs.row_shape::<1>(SCORES, layout)?;
        let classes = match inputs.request.input(CLASSES) {
            Some(_) => inputs.row_shape::<1>(CLASSES, layout)?,
            None => [places],
        };
        if scores != [places] || classes != [places] {
            let text = format!("there must be as many boxes, scores and classes: {places} boxes");
            return Err(InferError::Invalid(text));
        }
        Ok(places)
    }

    fn candidates(
        &self,
        boxes: &[f32],
        scores: &[f32],
        classes: Option<&[i64]>,
    ) -> Result<Vec<Candidate>, InferError> {
        let mut candidates = Vec::new();
        let (boxes, _) = boxes.as_chunks::<4>();
        for (index, (&numbers, &score)) in boxes.iter().zip(scores).enumerate() {
            let corners = self.operation.box_format.corners(numbers);
            // A NaN is not greater.
            let is_sure = score > self.operation.score_threshold;
            if !is_sure || !corners.iter().all(|place| place.is_finite()) {
                continue;
            }
            let class = classes.map_or(0, |classes| classes[index]);
            let class = i32::try_from(class).map_err(|_| {
                InferError::Invalid(format!("input '{CLASSES}': {class} does not fit INT32"))
            })?;
            candidates.push(Candidate { corners, score, class, index });
        }
        Ok(candidates)
    }
}
