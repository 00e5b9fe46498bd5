//! `detection`: from the output of an anchor-free detector to the objects in a picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::{
    Activation, BoxFormat, Decoding, Objectness, PlaceAxis, Shape, Suppression, suppress,
};
use nereid_kernels::heads::{Closing, Found};

use super::objects::{self, DETECTIONS_MAX, Objects};
use crate::device::{Answers, DeviceHead, Group};
use crate::found::Lists;
use crate::head::{Head, Inputs, Operation};
use crate::labels::Labels;
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

const INPUT: &str = "PREDICTIONS";

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Detection {
    decoding: Decoding,
    suppression: Suppression,
}

impl Detection {
    pub(crate) const NAME: &str = "detection";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let decoding = Decoding {
            place_axis: reader
                .choice("layout", &[("CN", PlaceAxis::Last), ("NC", PlaceAxis::First)]),
            box_format: box_format(&mut reader),
            objectness: reader
                .choice("objectness", &[("0", Objectness::Absent), ("1", Objectness::Present)]),
            activation: reader.choice(
                "activation",
                &[("none", Activation::None), ("sigmoid", Activation::Sigmoid)],
            ),
            classes: reader.read("classes", ("a whole number, from 1", None), |text| {
                text.parse().ok().filter(|&classes: &usize| classes > 0).map(Some)
            }),
            score_threshold: reader.number("score_threshold", 0.0..=1.0, 0.25),
            coordinate_scale: reader.read(
                "coordinate_scale",
                ("one number, or two with a comma between them, greater than 0", [1.0; 2]),
                pair,
            ),
        };
        let suppression = objects::suppression(&mut reader);
        reader.finish()?;
        Ok(Box::new(Self { decoding, suppression }))
    }
}

/// The parameter `box_format`.
pub(super) fn box_format(reader: &mut Reader<'_>) -> BoxFormat {
    let formats = [("cxcywh", BoxFormat::CentreSize), ("xyxy", BoxFormat::Corners)];
    reader.choice("box_format", &formats)
}

fn pair(text: &str) -> Option<[f32; 2]> {
    let number = |text: &str| {
        text.trim().parse().ok().filter(|number: &f32| *number > 0.0 && number.is_finite())
    };
    match text.split_once(',') {
        Some((x, y)) => Some([number(x)?, number(y)?]),
        None => number(text).map(|both| [both; 2]),
    }
}

impl Operation for Detection {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let input = Port::new(INPUT, &[DataType::Fp32], [Dim::Any, Dim::Any]);
        let inputs: Vec<_> = std::iter::once(input).chain(letterbox::ports()).collect();
        complete(user, layout, &inputs, &objects::ports(layout, self.suppression.detections_max))
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let lists = Lists::new(DETECTIONS_MAX, self.suppression.detections_max, rows_max)?;
        let head = DetectionHead {
            operation: *self,
            lists,
            letterbox: LetterboxInputs::of(signature, lists.layout),
            labels: Labels::of(signature)?.map(Arc::new),
        };
        let dims = signature.input(INPUT).and_then(|input| input.dims.last_chunk::<2>());
        if let Some(&[Dim::Fixed(first), Dim::Fixed(second)]) = dims {
            head.check_shape([first, second]).map_err(LoadError::new)?;
        }
        Ok(Arc::new(head))
    }
}

struct DetectionHead {
    operation: Detection,
    lists: Lists,
    letterbox: LetterboxInputs,
    labels: Option<Arc<Labels>>,
}

impl Head for DetectionHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let rows = inputs.rows::<2>(INPUT, self.lists.layout)?;
        self.check_shape(rows.shape).map_err(InferError::Invalid)?;
        let Detection { decoding, suppression } = &self.operation;
        let mut objects = Objects::new(self.lists);
        for (index, letterbox) in self.letterbox.read(inputs)?.iter().enumerate() {
            let candidates = decoding.candidates(rows.get(index), rows.shape);
            objects.push_row(&suppress(candidates, suppression), letterbox);
        }
        objects.outputs(self.labels.as_deref())
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for DetectionHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        let shape = inputs.row_shape::<2>(INPUT, self.lists.layout)?;
        self.check_shape(shape).map_err(InferError::Invalid)?;
        self.letterbox.check(inputs)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let Detection { decoding, suppression } = &self.operation;
        let shape = group.first().row_shape::<2>(INPUT, self.lists.layout)?;
        let numbers = (&group.tensor(INPUT)?, group.rows(), shape);
        let mut faults = None;
        let way = self.letterbox.enqueue(group, &mut faults)?;
        let found = Found::decode(group.executor, decoding, numbers)?;
        let closing = Closing { corrections: None, shape: Shape::Free, way: &way };
        let to = (self.lists, self.labels.as_ref());
        objects::enqueue(group, (found, suppression), (&closing, faults), to)
    }
}

impl DetectionHead {
    /// Checks that a row of `shape` has classes, and that they have labels.
    fn check_shape(&self, shape: [usize; 2]) -> Result<(), String> {
        let Some(classes) = self.operation.decoding.classes(shape) else {
            return Err(format!(
                "input '{INPUT}' of {shape:?} must have a box, the objectness if there is one, and \
                 the classes for each place; the parameter 'layout' says which axis that is"
            ));
        };
        let labels = self.labels.as_deref();
        labels.map_or(Ok(()), |labels| labels.check_classes(INPUT, classes))
    }
}
