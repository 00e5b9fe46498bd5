//! `heatmap`: the hottest place of each channel.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Refinement, peak};

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
        let rows = inputs.rows::<3>(INPUT, self.layout)?;
        let [channels, height, width] = rows.shape;
        let letterboxes = self.letterbox.read(inputs)?;
        let all = letterboxes.len().checked_mul(channels);
        if all.is_none_or(|all| all > CHANNELS_MAX) {
            let text = format!("input '{INPUT}' has over {CHANNELS_MAX} channels");
            return Err(InferError::Invalid(text));
        }
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
        let shape = match self.layout {
            Layout::Batched => vec![letterboxes.len(), channels],
            Layout::Single => vec![channels],
        };
        let made = [
            (POINTS, Tensor::from_values([&shape[..], &[2]].concat(), points)),
            (SCORES, Tensor::from_values(shape, scores)),
        ];
        let made =
            made.into_iter().map(|(name, tensor)| tensor.map(|tensor| (name.into(), tensor)));
        made.collect::<Result<_, _>>().map_err(|error| failed(&error))
    }
}
