//! `text_detection`: from a map of probabilities to boxes around lines of text.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::{AXIS_MAX, BoxShape, Dilation, Letterbox, TextBox, TextRegions};

use crate::device::DeviceHead;
use crate::found::{COUNT, Found, Lists};
use crate::head::{Head, Inputs, Operation};
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

const INPUT: &str = "MAP";
const BOXES: &str = "BOXES";
const POLYGONS: &str = "POLYGONS";
const SCORES: &str = "SCORES";

/// The parameter that says how long the lists are.
const REGIONS_MAX: &str = "regions_max";

/// Its limit.
const REGIONS_LIMIT: usize = 1 << 14;

/// Most pixels of a map: its regions take up to 30 bytes for each.
const MAP_PIXELS_MAX: usize = 1 << 26;

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TextDetection(TextRegions);

impl TextDetection {
    pub(crate) const NAME: &str = "text_detection";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let shapes = [("rectangle", BoxShape::Turned), ("axis_aligned", BoxShape::Upright)];
        let regions = TextRegions {
            threshold: reader.number("threshold", 0.0..=1.0, 0.3),
            dilation: reader.choice("dilate", &[("0", Dilation::None), ("1", Dilation::Two)]),
            shape: reader.choice("box_type", &shapes),
            box_threshold: reader.number("box_threshold", 0.0..=1.0, 0.6),
            unclip_ratio: reader.number("unclip_ratio", 0.0..=10.0, 1.5),
            side_min: reader.number("min_size", 0.0..=1000.0, 3.0),
            regions_max: reader.count(REGIONS_MAX, 1..=REGIONS_LIMIT, 1000),
        };
        reader.finish()?;
        Ok(Box::new(Self(regions)))
    }
}

impl Operation for TextDetection {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let input = Port::new(INPUT, &[DataType::Fp32], [Dim::Fixed(1), Dim::Any, Dim::Any]);
        let inputs: Vec<_> = std::iter::once(input).chain(letterbox::ports()).collect();
        let list = layout.list(self.0.regions_max);
        let outputs = [
            Port::new(BOXES, &[DataType::Fp32], [list, Dim::Fixed(4)]),
            Port::new(POLYGONS, &[DataType::Fp32], [list, Dim::Fixed(4), Dim::Fixed(2)]),
            Port::new(SCORES, &[DataType::Fp32], [list]),
            Port::new(COUNT, &[DataType::Int32], [Dim::Fixed(1)]),
        ];
        complete(user, layout, &inputs, &outputs)
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let lists = Lists::new(REGIONS_MAX, self.0.regions_max, rows_max)?;
        let letterbox = LetterboxInputs::of(signature, lists.layout);
        Ok(Arc::new(TextDetectionHead { regions: self.0, lists, letterbox }))
    }
}

struct TextDetectionHead {
    regions: TextRegions,
    lists: Lists,
    letterbox: LetterboxInputs,
}

impl Head for TextDetectionHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let maps = inputs.rows::<3>(INPUT, self.lists.layout)?;
        let [channels, height, width] = maps.shape;
        let pixels = height.saturating_mul(width);
        if channels != 1 || width.max(height) > AXIS_MAX || pixels > MAP_PIXELS_MAX {
            return Err(InferError::Invalid(format!(
                "input '{INPUT}' must be 1 map with sides of at most {AXIS_MAX} and at most \
                 {MAP_PIXELS_MAX} pixels, not {:?}",
                maps.shape
            )));
        }
        let mut texts = Texts::new(self.lists);
        for (index, letterbox) in self.letterbox.read(inputs)?.iter().enumerate() {
            texts.push_row(&self.regions.find(maps.get(index), (width, height)), letterbox);
        }
        texts.outputs()
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        None // Regions are looked for on the CPU.
    }
}

/// The texts of one request, as they grow row by row.
struct Texts {
    found: Found,
    boxes: Vec<f32>,
    polygons: Vec<f32>,
    scores: Vec<f32>,
}

impl Texts {
    fn new(lists: Lists) -> Self {
        let (boxes, polygons, scores) = (Vec::new(), Vec::new(), Vec::new());
        Self { found: Found::new(lists), boxes, polygons, scores }
    }

    fn push_row(&mut self, row: &[TextBox], letterbox: &Letterbox) {
        for text in row {
            let corners = text.corners.map(|corner| letterbox.undo(corner));
            let side = |axis: usize, wider: fn(f32, f32) -> f32| {
                corners.iter().map(|corner| corner[axis]).reduce(wider).unwrap_or_default()
            };
            let (least, greatest) = (f32::min, f32::max);
            self.boxes.extend([
                side(0, least),
                side(1, least),
                side(0, greatest),
                side(1, greatest),
            ]);
            self.polygons.extend(corners.as_flattened());
            self.scores.push(text.score);
        }
        self.found.end_row(row.len());
        self.found.pad(&mut self.boxes, 4, 0.0);
        self.found.pad(&mut self.polygons, 8, 0.0);
        self.found.pad(&mut self.scores, 1, 0.0);
    }

    fn outputs(self) -> Result<Tensors, InferError> {
        let Self { found, boxes, polygons, scores } = self;
        let mut outputs = vec![
            found.tensor(BOXES, &[4], boxes)?,
            found.tensor(POLYGONS, &[4, 2], polygons)?,
            found.tensor(SCORES, &[], scores)?,
        ];
        outputs.extend(found.count()?);
        Ok(outputs)
    }
}
