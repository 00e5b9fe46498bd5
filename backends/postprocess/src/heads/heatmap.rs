//! `heatmap`: the hottest place of each channel.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Refinement, peak};
use nereid_kernels::heads;

use crate::device::{Answers, DeviceHead, Group, Home, faults, rows_of};
use crate::head::{Head, Inputs, Operation, failed};
use crate::letterbox::{self, LetterboxInputs};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

const INPUT: &str = "HEATMAPS";
const POINTS: &str = "POINTS";
const SCORES: &str = "SCORES";

/// Most channels of a request: those without pixels have no bytes.
const CHANNELS_MAX: usize = 1 << 20;

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heatmap {
    refinement: Refinement,
    /// Pixels of the model's input for each of a map's.
    stride: f32,
}

impl Heatmap {
    pub(crate) const NAME: &str = "heatmap";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let refinements = [("none", Refinement::None), ("quarter", Refinement::Quarter)];
        let refinement = reader.choice("refine", &refinements);
        let stride = reader.number("stride", 0.001..=1000.0, 1.0);
        reader.finish()?;
        Ok(Box::new(Self { refinement, stride }))
    }
}

impl Operation for Heatmap {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let layout = Layout::of(user, rows_max);
        let written = user.input(INPUT).and_then(|input| input.dims.last_chunk::<3>());
        let channels = written.map_or(Dim::Any, |&[channels, ..]| channels);
        let input = Port::new(INPUT, &[DataType::Fp32], [channels, Dim::Any, Dim::Any]);
        let inputs: Vec<_> = std::iter::once(input).chain(letterbox::ports()).collect();
        let outputs = [
            Port::new(POINTS, &[DataType::Fp32], [channels, Dim::Fixed(2)]),
            Port::new(SCORES, &[DataType::Fp32], [channels]),
        ];
        complete(user, layout, &inputs, &outputs)
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let layout = if rows_max > 0 { Layout::Batched } else { Layout::Single };
        let letterbox = LetterboxInputs::of(signature, layout);
        Ok(Arc::new(HeatmapHead { operation: *self, layout, letterbox }))
    }
}

struct HeatmapHead {
    operation: Heatmap,
    layout: Layout,
    letterbox: LetterboxInputs,
}

impl Head for HeatmapHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let Heatmap { refinement, stride } = self.operation;
        let [channels, height, width] = self.shape(inputs)?;
        let rows = inputs.rows::<3>(INPUT, self.layout)?;
        let letterboxes = self.letterbox.read(inputs)?;
        let (mut points, mut scores) = (Vec::new(), Vec::new());
        for (index, letterbox) in letterboxes.iter().enumerate() {
            let (maps, size) = (rows.get(index), height.saturating_mul(width));
            for channel in 0..channels {
                let map = maps.get(channel * size..(channel + 1) * size).unwrap_or_default();
                let peak = peak(map, width, refinement);
                points.extend(letterbox.undo(peak.place.map(|place| place * stride)));
                scores.push(peak.score);
            }
        }
        let shape = self.axes(letterboxes.len(), channels);
        let made = [
            (POINTS, Tensor::from_values([&shape[..], &[2]].concat(), points)),
            (SCORES, Tensor::from_values(shape, scores)),
        ];
        let made =
            made.into_iter().map(|(name, tensor)| tensor.map(|tensor| (name.into(), tensor)));
        made.collect::<Result<_, _>>().map_err(|error| failed(&error))
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for HeatmapHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.shape(inputs)?;
        self.letterbox.check(inputs)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let Heatmap { refinement, stride } = self.operation;
        let (shape, rows, layout) = (self.shape(&group.first())?, group.rows(), self.layout);
        let maps = group.tensor(INPUT)?;
        let mut wrong = None;
        let way = self.letterbox.enqueue(group, &mut wrong)?;
        let (maps, axes) = ((&maps, rows, shape), self.axes(rows, shape[0]));
        let made = heads::peaks(group.executor, maps, (refinement, stride), &way, &axes)?;
        let wrong = wrong.map(|wrong| group.send_home(&wrong.tensor(group.executor)?));
        let wrong = wrong.transpose()?;
        let [points, scores] = made;
        let tensors = vec![(POINTS.into(), points), (SCORES.into(), scores)];
        Ok(Box::new(move || {
            let wrong = wrong.map_or(Ok(Vec::new()), Home::integers)?;
            Ok(Box::new(move |rows| {
                faults::check(&wrong, rows.clone())?;
                rows_of(&tensors, layout, rows)
            }))
        }))
    }
}

impl HeatmapHead {
    /// Checks the shape, and tells channels, height and width.
    fn shape(&self, inputs: &Inputs<'_>) -> Result<[usize; 3], InferError> {
        let shape = inputs.row_shape::<3>(INPUT, self.layout)?;
        let all = inputs.row_count(self.layout).checked_mul(shape[0]);
        if all.is_none_or(|all| all > CHANNELS_MAX) {
            let text = format!("input '{INPUT}' has over {CHANNELS_MAX} channels");
            return Err(InferError::Invalid(text));
        }
        Ok(shape)
    }

    /// Those of the scores.
    fn axes(&self, rows: usize, channels: usize) -> Vec<usize> {
        match self.layout {
            Layout::Batched => vec![rows, channels],
            Layout::Single => vec![channels],
        }
    }
}
