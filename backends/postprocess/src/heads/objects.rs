//! The outputs of operations that find objects: boxes with scores and classes.

mod answers;

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::spec::Dim;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Candidate, Letterbox, Overlap, Scope, Suppression};

pub(super) use answers::enqueue;

use crate::found::{COUNT, Found, Lists};
use crate::head::failed;
use crate::labels::{LABELS, Labels};
use crate::parameters::Reader;
use crate::ports::{Layout, Port};

pub(super) const BOXES: &str = "BOXES";
pub(super) const SCORES: &str = "SCORES";
pub(super) const CLASSES: &str = "CLASSES";
pub(super) const INDICES: &str = "INDICES";

/// The parameter that says how long the lists are.
pub(super) const DETECTIONS_MAX: &str = "detections_max";

/// Limits of the limits.
const CANDIDATES_MAX: usize = 1 << 16;
const DETECTIONS_LIMIT: usize = 1 << 14;

/// The parameters of non-maximum suppression.
pub(super) fn suppression(reader: &mut Reader<'_>) -> Suppression {
    Suppression {
        iou_threshold: reader.number("iou_threshold", 0.0..=1.0, 0.45),
        overlap: reader
            .choice("overlap", &[("union", Overlap::Union), ("smaller", Overlap::Smaller)]),
        scope: reader.choice("suppress", &[("class", Scope::Class), ("all", Scope::All)]),
        candidates_max: reader.count("candidates_max", 1..=CANDIDATES_MAX, 4096),
        detections_max: reader.count(DETECTIONS_MAX, 1..=DETECTIONS_LIMIT, 300),
    }
}

/// The outputs of lists of at most `max`.
pub(super) fn ports(layout: Layout, max: usize) -> [Port; 6] {
    let list = layout.list(max);
    [
        Port::new(BOXES, &[DataType::Fp32], [list, Dim::Fixed(4)]),
        Port::new(SCORES, &[DataType::Fp32], [list]),
        Port::new(CLASSES, &[DataType::Int32], [list]),
        Port::new(INDICES, &[DataType::Int64], [list]),
        Port::new(COUNT, &[DataType::Int32], [Dim::Fixed(1)]),
        Port::new(LABELS, &[DataType::Bytes], [list]).if_written(),
    ]
}

/// The objects of one request, as they grow row by row.
pub(super) struct Objects {
    found: Found,
    boxes: Vec<f32>,
    scores: Vec<f32>,
    classes: Vec<i32>,
    indices: Vec<i64>,
}

impl Objects {
    /// No rows yet.
    pub(super) fn new(lists: Lists) -> Self {
        Self {
            found: Found::new(lists),
            boxes: Vec::new(),
            scores: Vec::new(),
            classes: Vec::new(),
            indices: Vec::new(),
        }
    }

    /// Adds a row of objects, their boxes in the pixels of the picture.
    pub(super) fn push_row(&mut self, kept: &[Candidate], letterbox: &Letterbox) {
        for object in kept {
            self.boxes.extend(letterbox.undo_box(object.corners));
            self.scores.push(object.score);
            self.classes.push(object.class);
            self.indices.push(i64::try_from(object.index).unwrap_or(i64::MAX));
        }
        self.found.end_row(kept.len());
        self.found.pad(&mut self.boxes, 4, 0.0);
        self.found.pad(&mut self.scores, 1, 0.0);
        self.found.pad(&mut self.classes, 1, -1);
        self.found.pad(&mut self.indices, 1, -1);
    }

    /// The outputs; names if there are labels.
    ///
    /// # Errors
    /// When a tensor cannot be made.
    pub(super) fn outputs(self, labels: Option<&Labels>) -> Result<Tensors, InferError> {
        let Self { found, boxes, scores, classes, indices } = self;
        let mut outputs = Vec::with_capacity(6);
        if let Some(labels) = labels {
            outputs.push((LABELS.into(), names(found.shape(&[]), &classes, labels)?));
        }
        outputs.push(found.tensor(BOXES, &[4], boxes)?);
        outputs.push(found.tensor(SCORES, &[], scores)?);
        outputs.push(found.tensor(CLASSES, &[], classes)?);
        outputs.push(found.tensor(INDICES, &[], indices)?);
        outputs.extend(found.count()?);
        Ok(outputs)
    }
}

/// What the classes are called; what is none has no name.
fn names(shape: Vec<usize>, classes: &[i32], labels: &Labels) -> Result<Tensor, InferError> {
    let name = |&class: &i32| usize::try_from(class).map_or("", |class| labels.name(class));
    let names: Vec<_> = classes.iter().map(name).collect();
    Tensor::from_strings(shape, &names).map_err(|error| failed(&error))
}
