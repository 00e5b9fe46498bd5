//! `refine`: boxes made better by a net that has looked at a crop of each: the second and further
//! nets of a cascade, whose first is decoded by `proposals`.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::{Candidate, Corrections, Shape, Suppression, suppress};
use nereid_kernels::heads::{Closing, Found, ScoreTensor};

use super::objects::{self, BOXES, DETECTIONS_MAX, Objects};
use super::proposals::{CORRECTIONS, PROBABILITIES, check_class, class, shape};
use crate::device::{Answers, DeviceHead, Group};
use crate::found::Lists;
use crate::head::{Head, Inputs, Operation};
use crate::labels::Labels;
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

/// When boxes are corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Correct {
    /// Those that suppression has kept.
    After,
    /// All that are sure enough, and suppression sees what comes out.
    Before,
}

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refine {
    class: usize,
    score_threshold: f32,
    suppression: Suppression,
    correct: Correct,
    shape: Shape,
}

impl Refine {
    pub(crate) const NAME: &str = "refine";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let operation = Self {
            class: class(&mut reader),
            score_threshold: reader.number("score_threshold", 0.0..=1.0, 0.25),
            suppression: objects::suppression(&mut reader),
            correct: reader
                .choice("correct", &[("after", Correct::After), ("before", Correct::Before)]),
            shape: shape(&mut reader),
        };
        reader.finish()?;
        Ok(Box::new(operation))
    }

    /// The better ones of `candidates`.
    fn refine(&self, mut candidates: Vec<Candidate>, by: Corrections<'_>) -> Vec<Candidate> {
        let mut kept = match self.correct {
            Correct::After => {
                let mut kept = suppress(candidates, &self.suppression);
                by.apply(&mut kept);
                kept
            }
            Correct::Before => {
                by.apply(&mut candidates);
                suppress(candidates, &self.suppression)
            }
        };
        for candidate in &mut kept {
            candidate.corners = self.shape.of(candidate.corners);
        }
        kept
    }
}

impl Operation for Refine {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let mut inputs = vec![
            Port::new(BOXES, &[DataType::Fp32], [Dim::Any, Dim::Fixed(4)]),
            Port::new(PROBABILITIES, &[DataType::Fp32], [Dim::Any, Dim::Any]),
            Port::new(CORRECTIONS, &[DataType::Fp32], [Dim::Any, Dim::Fixed(4)]),
        ];
        inputs.extend(letterbox::ports());
        complete(user, layout, &inputs, &objects::ports(layout, self.suppression.detections_max))
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let lists = Lists::new(DETECTIONS_MAX, self.suppression.detections_max, rows_max)?;
        Ok(Arc::new(RefineHead {
            operation: *self,
            lists,
            letterbox: LetterboxInputs::of(signature, lists.layout),
            labels: Labels::of(signature)?.map(Arc::new),
        }))
    }
}

struct RefineHead {
    operation: Refine,
    lists: Lists,
    letterbox: LetterboxInputs,
    labels: Option<Arc<Labels>>,
}

impl Head for RefineHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let layout = self.lists.layout;
        let (_, classes) = self.shape(inputs)?;
        let boxes = inputs.rows::<2>(BOXES, layout)?;
        let scores = inputs.rows::<2>(PROBABILITIES, layout)?;
        let corrections = inputs.rows::<2>(CORRECTIONS, layout)?;
        let mut objects = Objects::new(self.lists);
        for (index, letterbox) in self.letterbox.read(inputs)?.iter().enumerate() {
            let found = self.candidates(boxes.get(index), scores.get(index), classes);
            let by = Corrections(corrections.get(index).as_chunks().0);
            objects.push_row(&self.operation.refine(found, by), letterbox);
        }
        objects.outputs(self.labels.as_deref())
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for RefineHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.shape(inputs)?;
        self.letterbox.check(inputs)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let Refine { class, score_threshold, suppression, correct, shape } = &self.operation;
        let (places, classes) = self.shape(&group.first())?;
        let (boxes, numbers) = (group.tensor(BOXES)?, group.tensor(PROBABILITIES)?);
        let corrections = group.tensor(CORRECTIONS)?;
        let (class, threshold) = (*class, *score_threshold);
        let scores = ScoreTensor { numbers: &numbers, classes, class, threshold };
        let (before, after) = match correct {
            Correct::Before => (Some(&corrections), None),
            Correct::After => (None, Some(&corrections)),
        };
        let mut faults = None;
        let way = self.letterbox.enqueue(group, &mut faults)?;
        let rows = (group.rows(), places);
        let found = Found::of_corrected(group.executor, (&boxes, before), &scores, rows)?;
        let closing = Closing { corrections: after, shape: *shape, way: &way };
        let to = (self.lists, self.labels.as_ref());
        objects::enqueue(group, (found, suppression), (&closing, faults), to)
    }
}

impl RefineHead {
    /// Checks the shapes, and tells how many places and classes a row has.
    fn shape(&self, inputs: &Inputs<'_>) -> Result<(usize, usize), InferError> {
        let layout = self.lists.layout;
        let [count, four] = inputs.row_shape::<2>(BOXES, layout)?;
        let [scored, classes] = inputs.row_shape::<2>(PROBABILITIES, layout)?;
        let corrections = inputs.row_shape::<2>(CORRECTIONS, layout)?;
        if scored != count || four != 4 || corrections != [count, 4] {
            return Err(InferError::Invalid(format!(
                "there must be as many boxes, probabilities and corrections: {count} boxes, \
                 {scored} rows of '{PROBABILITIES}', and '{CORRECTIONS}' of {corrections:?}"
            )));
        }
        check_class(self.operation.class, classes)?;
        Ok((count, classes))
    }

    /// The boxes that are sure enough.
    fn candidates(&self, boxes: &[f32], scores: &[f32], classes: usize) -> Vec<Candidate> {
        let Refine { class, score_threshold, .. } = self.operation;
        let places = boxes.as_chunks().0.iter().zip(scores.chunks_exact(classes)).enumerate();
        let candidate = |(index, (&corners, scores)): (usize, (&[f32; 4], &[f32]))| {
            // A NaN is not greater.
            let score = *scores.get(class).filter(|score| **score > score_threshold)?;
            let is_finite = corners.iter().all(|place| place.is_finite());
            is_finite.then_some(Candidate { corners, score, class: 0, index })
        };
        places.filter_map(candidate).collect()
    }
}
