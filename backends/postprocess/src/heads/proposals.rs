//! `proposals`: from the map of a net that slides over a picture to the boxes it proposes: the first
//! net of a cascade. `refine` is for those that follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::{Corrections, Grid, Shape, Suppression, suppress};
use nereid_kernels::heads::{Closing, Found, ScoreTensor};

use super::objects::{self, DETECTIONS_MAX, Objects};
use crate::device::{Answers, DeviceHead, Group};
use crate::found::Lists;
use crate::head::{Head, Inputs, Operation};
use crate::labels::Labels;
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

pub(super) const PROBABILITIES: &str = "PROBABILITIES";
pub(super) const CORRECTIONS: &str = "CORRECTIONS";

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Proposals {
    grid: Grid,
    class: usize,
    score_threshold: f32,
    suppression: Suppression,
    shape: Shape,
}

impl Proposals {
    pub(crate) const NAME: &str = "proposals";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let operation = Self {
            grid: Grid {
                stride: reader.number("stride", 0.001..=1000.0, 2.0),
                cell: reader.number("cell", 0.001..=65535.0, 12.0),
            },
            class: class(&mut reader),
            score_threshold: reader.number("score_threshold", 0.0..=1.0, 0.25),
            suppression: objects::suppression(&mut reader),
            shape: shape(&mut reader),
        };
        reader.finish()?;
        Ok(Box::new(operation))
    }
}

/// The parameter `class`: which of the probabilities is the score.
pub(super) fn class(reader: &mut Reader<'_>) -> usize {
    reader.count("class", 0..=65535, 1)
}

/// The parameter `square`.
pub(super) fn shape(reader: &mut Reader<'_>) -> Shape {
    reader.choice("square", &[("0", Shape::Free), ("1", Shape::Square)])
}

/// Checks that there is a number for `class` among `classes`.
pub(super) fn check_class(class: usize, classes: usize) -> Result<(), InferError> {
    if class < classes {
        return Ok(());
    }
    Err(InferError::Invalid(format!(
        "input '{PROBABILITIES}' has {classes} classes, the parameter 'class' is {class}, counted \
         from 0"
    )))
}

impl Operation for Proposals {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let mut inputs = vec![
            Port::new(PROBABILITIES, &[DataType::Fp32], [Dim::Any, Dim::Any, Dim::Any]),
            Port::new(CORRECTIONS, &[DataType::Fp32], [Dim::Any, Dim::Any, Dim::Fixed(4)]),
        ];
        inputs.extend(letterbox::ports());
        complete(user, layout, &inputs, &objects::ports(layout, self.suppression.detections_max))
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let lists = Lists::new(DETECTIONS_MAX, self.suppression.detections_max, rows_max)?;
        Ok(Arc::new(ProposalsHead {
            operation: *self,
            lists,
            letterbox: LetterboxInputs::of(signature, lists.layout),
            labels: Labels::of(signature)?.map(Arc::new),
        }))
    }
}

struct ProposalsHead {
    operation: Proposals,
    lists: Lists,
    letterbox: LetterboxInputs,
    labels: Option<Arc<Labels>>,
}

impl Head for ProposalsHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let Proposals { grid, class, score_threshold, suppression, shape } = self.operation;
        let [_, width, classes] = self.shape(inputs)?;
        let scores = inputs.rows::<3>(PROBABILITIES, self.lists.layout)?;
        let corrections = inputs.rows::<3>(CORRECTIONS, self.lists.layout)?;
        let mut objects = Objects::new(self.lists);
        for (index, letterbox) in self.letterbox.read(inputs)?.iter().enumerate() {
            let scores = scores.get(index);
            let found = grid.candidates(scores, (width, classes), (class, score_threshold));
            let mut kept = suppress(found, &suppression);
            Corrections(corrections.get(index).as_chunks().0).apply(&mut kept);
            for candidate in &mut kept {
                candidate.corners = shape.of(candidate.corners);
            }
            objects.push_row(&kept, letterbox);
        }
        objects.outputs(self.labels.as_deref())
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for ProposalsHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.shape(inputs)?;
        self.letterbox.check(inputs)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let Proposals { grid, class, score_threshold, suppression, shape } = &self.operation;
        let [height, width, classes] = self.shape(&group.first())?;
        let (numbers, corrections) = (group.tensor(PROBABILITIES)?, group.tensor(CORRECTIONS)?);
        let (class, threshold) = (*class, *score_threshold);
        let scores = ScoreTensor { numbers: &numbers, classes, class, threshold };
        let mut faults = None;
        let way = self.letterbox.enqueue(group, &mut faults)?;
        let pictures = (group.rows(), (width, height));
        let found = Found::of_places(group.executor, *grid, &scores, pictures)?;
        let closing = Closing { corrections: Some(&corrections), shape: *shape, way: &way };
        let to = (self.lists, self.labels.as_ref());
        objects::enqueue(group, (found, suppression), (&closing, faults), to)
    }
}

impl ProposalsHead {
    /// Checks the shapes, and tells height, width and classes.
    fn shape(&self, inputs: &Inputs<'_>) -> Result<[usize; 3], InferError> {
        let shape = inputs.row_shape::<3>(PROBABILITIES, self.lists.layout)?;
        let corrections = inputs.row_shape::<3>(CORRECTIONS, self.lists.layout)?;
        let [height, width, classes] = shape;
        check_class(self.operation.class, classes)?;
        if corrections != [height, width, 4] {
            return Err(InferError::Invalid(format!(
                "input '{CORRECTIONS}' must be [{height}, {width}, 4], as many places as \
                 '{PROBABILITIES}' has, not {corrections:?}"
            )));
        }
        Ok(shape)
    }
}
