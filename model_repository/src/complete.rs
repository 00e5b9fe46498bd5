//! What an engine found in a model's file fills in what the configuration leaves out. The rules
//! are Triton's for ONNX models (FEATURES of the reference: "ONNX auto-complete"), for every
//! engine alike:
//!
//! - a model can batch if the first axis of *every* input and output is of any size;
//! - if it can, and inputs or outputs were left out, and no `max_batch_size` was stated, it gets
//!   [`ROWS_MAX_DEFAULT`], and dynamic batching;
//! - a tensor that is stated must be what the engine found.

use std::fmt::Write as _;

use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::stated::Stated;

/// `max_batch_size` of a model that can batch and does not say how much.
pub const ROWS_MAX_DEFAULT: usize = 4;

/// The signature without the batch axis, and how many rows a batch may have.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed {
    /// Every input and output.
    pub signature: Signature,
    /// Whether the first axis of every tensor is the batch.
    pub is_batched: bool,
    /// `max_batch_size`: 0 when the model does not batch.
    pub rows_max: usize,
}

/// Completes `stated` by what the engine `found`; what does not fit is added to its problems.
pub fn complete(stated: &mut Stated, found: &Signature) -> Completed {
    let can_batch = found
        .inputs
        .iter()
        .chain(&found.outputs)
        .all(|tensor| tensor.dims.first() == Some(&Dim::Any));
    let is_partial = stated.config.input.is_empty() || stated.config.output.is_empty();
    let rows_max = match stated.rows_max {
        0 if can_batch && is_partial => ROWS_MAX_DEFAULT,
        rows => rows,
    };
    if rows_max > 0 && !can_batch {
        stated.problems.at(
            "max_batch_size",
            format_args!(
                "autofill failed for model '{}': model does not support batching while non-zero \
                 max_batch_size is specified; the engine found {}",
                stated.config.name,
                describe(found)
            ),
        );
    }
    let is_batched = rows_max > 0;
    let signature = Signature {
        inputs: complete_side(stated, Side::Input, &found.inputs, is_batched),
        outputs: complete_side(stated, Side::Output, &found.outputs, is_batched),
    };
    Completed { signature, is_batched, rows_max }
}

#[derive(Clone, Copy)]
enum Side {
    Input,
    Output,
}

impl Side {
    fn field(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// What was stated, in its order, and then what was left out, in the engine's.
fn complete_side(
    stated: &mut Stated,
    side: Side,
    found: &[TensorSpec],
    is_batched: bool,
) -> Vec<TensorSpec> {
    let (written, names): (Vec<TensorSpec>, Vec<String>) = match side {
        Side::Input => (
            stated.inputs.clone(),
            stated.config.input.iter().map(|input| input.name.clone()).collect(),
        ),
        Side::Output => (
            stated.outputs.clone(),
            stated.config.output.iter().map(|output| output.name.clone()).collect(),
        ),
    };
    let mut complete = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let path = format!("{}[{index}]", side.field());
        let Some(engine) = found.iter().find(|tensor| &*tensor.name == name.as_str()) else {
            stated.problems.at(&path, unknown_tensor(side, name, found));
            continue;
        };
        let engine = without_batch(engine, is_batched);
        let tensor = match written.iter().find(|tensor| &*tensor.name == name.as_str()) {
            Some(tensor) => tensor.clone(),
            None => engine.clone(), // Its type was left out.
        };
        if let Some(misfit) = misfit(&tensor, &engine) {
            stated.problems.at(&path, misfit);
        }
        complete.push(tensor);
    }
    let is_left_out = |tensor: &&TensorSpec| !names.iter().any(|name| **name == *tensor.name);
    complete
        .extend(found.iter().filter(is_left_out).map(|tensor| without_batch(tensor, is_batched)));
    complete
}

fn without_batch(tensor: &TensorSpec, is_batched: bool) -> TensorSpec {
    let dims = match tensor.dims.split_first() {
        Some((_, inner)) if is_batched => inner.to_vec(),
        _ => tensor.dims.clone(),
    };
    TensorSpec { dims, ..tensor.clone() }
}

/// Why `stated` cannot be what the engine found, if it cannot.
fn misfit(stated: &TensorSpec, found: &TensorSpec) -> Option<String> {
    let name = &stated.name;
    if stated.data_type != found.data_type {
        let (stated, found) = (stated.data_type.config_name(), found.data_type.config_name());
        return Some(format!("'{name}': data_type is {stated}, but the model has {found}"));
    }
    let admits = |(stated, found): (&Dim, &Dim)| *found == Dim::Any || stated == found;
    let fits =
        stated.dims.len() == found.dims.len() && stated.dims.iter().zip(&found.dims).all(admits);
    (!fits).then(|| {
        let (stated, found) = (dims_text(&stated.dims), dims_text(&found.dims));
        format!("'{name}': dims are {stated}, but the model has {found} (without the batch axis)")
    })
}

fn unknown_tensor(side: Side, name: &str, found: &[TensorSpec]) -> String {
    let field = side.field();
    let names: Vec<_> = found.iter().map(|tensor| format!("'{}'", tensor.name)).collect();
    format!("the model has no {field} '{name}'; its {field}s are {}", names.join(", "))
}

fn describe(signature: &Signature) -> String {
    let mut text = String::new();
    for tensor in signature.inputs.iter().chain(&signature.outputs) {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}'{}' {}", tensor.name, dims_text(&tensor.dims));
    }
    text
}

/// Dims as Triton writes a shape: `[-1,16]`.
pub fn dims_text(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[{}]", dims.join(","))
}
