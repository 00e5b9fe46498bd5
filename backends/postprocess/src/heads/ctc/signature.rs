//! Which inputs and outputs a model of this engine has: what the user left out is filled in, and
//! what does not fit is refused.
//!
//! - One FP32 input of dims `[steps, classes]`.
//! - A BYTES output of dims `[1]`: the text. It has the label file.
//! - If wanted, an FP32 output of dims `[1]`: the score.
//!
//! Axes before these are rows. That is the batch axis, or what a user writes who does not batch.

use std::path::Path;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::ports::list;

/// The tensors' names unless the user gives others.
const INPUT: &str = "PROBABILITIES";
const TEXT: &str = "TEXT";
const SCORE: &str = "SCORE";

/// Axes of one row.
pub(super) const INPUT_RANK: usize = 2;
const OUTPUT_RANK: usize = 1;

/// What the outputs are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The only input.
    pub(super) input: Arc<str>,
    /// The BYTES output.
    pub(super) text: Arc<str>,
    /// The FP32 output.
    pub(super) score: Option<Arc<str>>,
}

impl Names {
    /// The names in a checked signature.
    ///
    /// # Errors
    /// When it is not checked.
    pub(super) fn of(signature: &Signature) -> Result<Self, LoadError> {
        let input = signature.inputs.first().map(|input| input.name.clone());
        let output = |data_type| {
            let mut outputs = signature.outputs.iter();
            outputs.find(|output| output.data_type == data_type).map(|output| output.name.clone())
        };
        let (Some(input), Some(text)) = (input, output(DataType::Bytes)) else {
            return Err(LoadError::new("the postprocess backend needs an input and a text output"));
        };
        Ok(Self { input, text, score: output(DataType::Fp32) })
    }
}

/// The signature of a model of which the user wrote `user`. `rows_max` is `max_batch_size`: if it
/// is not 0, the user's dims have no batch axis, and the answer's have one.
///
/// # Errors
/// Everything in `user` that does not fit, one a line.
pub(super) fn complete(user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
    let written = written_axes(user, rows_max);
    let rows: &[Dim] = if rows_max > 0 { &[Dim::Any] } else { &written };
    let inputs = match user.inputs.as_slice() {
        [] => &[TensorSpec::new(INPUT, DataType::Fp32, Vec::new())],
        inputs => inputs,
    };
    let outputs = match user.outputs.as_slice() {
        [] => &[(TEXT, DataType::Bytes), (SCORE, DataType::Fp32)]
            .map(|(name, data_type)| TensorSpec::new(name, data_type, Vec::new())),
        outputs => outputs,
    };
    let mut errors = Vec::new();
    check_inputs(inputs, &written, &mut errors);
    check_outputs(outputs, &written, &mut errors);
    if !errors.is_empty() {
        return Err(LoadError::new(errors.join("\n")));
    }
    let told = |tensors: &[TensorSpec], row: &[Dim]| {
        let told = |tensor: &TensorSpec| {
            let row = match tensor.dims.strip_prefix(&*written) {
                None | Some([]) => row,
                Some(stated) => stated,
            };
            TensorSpec { dims: [rows, row].concat(), ..tensor.clone() }
        };
        tensors.iter().map(told).collect()
    };
    let inputs = told(inputs, &[Dim::Any; INPUT_RANK]);
    Ok(Signature { inputs, outputs: told(outputs, &[Dim::Fixed(1)]), ..Signature::default() })
}

/// The file of labels, which is the text output's.
///
/// # Errors
/// When there is none.
pub(super) fn labels(signature: &Signature) -> Result<&Path, LoadError> {
    let mut outputs = signature.outputs.iter();
    let text = outputs.find(|output| output.data_type == DataType::Bytes);
    text.and_then(|output| output.labels.as_deref()).ok_or_else(|| {
        let name = text.map_or(TEXT, |output| &*output.name);
        LoadError::new(format!(
            "output '{name}' has no labels: write output [ {{ name: \"{name}\" \
             data_type: TYPE_STRING dims: [ 1 ] label_filename: \"labels.txt\" }} ] and put that \
             file, with one label a line, into the model's folder"
        ))
    })
}

/// The axes that a user who does not batch writes before those of a row. If nothing is written,
/// the model may batch.
fn written_axes(user: &Signature, rows_max: usize) -> Vec<Dim> {
    let inputs = user.inputs.iter().map(|input| (&input.dims, INPUT_RANK));
    let outputs = user.outputs.iter().map(|output| (&output.dims, OUTPUT_RANK));
    match inputs.chain(outputs).find(|(dims, _)| !dims.is_empty()) {
        _ if rows_max > 0 => Vec::new(),
        Some((dims, rank)) => dims[..dims.len().saturating_sub(rank)].to_vec(),
        None => vec![Dim::Any],
    }
}

fn check_inputs(inputs: &[TensorSpec], rows: &[Dim], errors: &mut Vec<String>) {
    if inputs.len() > 1 {
        let count = inputs.len();
        errors
            .push(format!("the postprocess backend has one input, the configuration has {count}"));
    }
    for input in inputs {
        let name = &input.name;
        if input.data_type != DataType::Fp32 {
            let data_type = input.data_type.config_name();
            errors.push(format!("input '{name}' must be TYPE_FP32, not {data_type}"));
        }
        if !input.dims.is_empty() && input.dims.len() != rows.len() + INPUT_RANK {
            let dims = list(&input.dims);
            errors.push(format!("input '{name}' must have dims [ steps, classes ], not {dims}"));
        }
    }
}

fn check_outputs(outputs: &[TensorSpec], rows: &[Dim], errors: &mut Vec<String>) {
    let count = |data_type| outputs.iter().filter(|output| output.data_type == data_type).count();
    let (texts, scores) = (count(DataType::Bytes), count(DataType::Fp32));
    if texts != 1 || scores > 1 || texts + scores != outputs.len() {
        errors.push(
            "ctc_greedy_decode has an output of TYPE_STRING, the text, and at most one of \
             TYPE_FP32, the score; the configuration has others"
                .into(),
        );
    }
    let expected = [rows, &[Dim::Fixed(1)]].concat();
    for output in outputs.iter().filter(|output| !output.dims.is_empty()) {
        if output.dims != expected {
            let (name, expected, dims) = (&output.name, list(&expected), list(&output.dims));
            errors.push(format!("output '{name}' must have dims {expected}, not {dims}"));
        }
    }
}

#[cfg(test)]
mod tests;
