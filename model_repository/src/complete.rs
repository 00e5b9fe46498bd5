//! What an engine found in a model's file fills in what the configuration leaves out. The rules
//! are Triton's for ONNX models (its ONNX backend's auto-complete), for every engine alike:
//!
//! - a model can batch if the first axis of *every* input and output is of any size;
//! - if it can, and all inputs or all outputs were left out, a `max_batch_size` of 0 becomes what the
//!   engine was built for, or else the backend's default, and the model gets dynamic batching unless it states a scheduler;
//! - what is stated of a tensor must be what the engine found; type and dims that are left out are
//!   the engine's, but a tensor without axes gets one of size 1, and is reshaped.

use std::fmt::Write as _;

use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::problems::Problems;
use crate::stated::{Stated, StatedTensor};

/// The signature without the batch axis, and how many rows a batch may have.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed {
    /// Every input and output.
    pub signature: Signature,
    /// Whether the first axis of every tensor is the batch.
    pub is_batched: bool,
    /// `max_batch_size`: 0 when the model does not batch.
    pub rows_max: usize,
    /// Whether it gets dynamic batching if the configuration states no scheduler.
    pub batches_by_default: bool,
}

/// Completes `stated` by what the engine `found`; what does not fit is added to its problems.
/// `rows_max_default` is the `max_batch_size` of a model that can batch and does not say how much.
pub fn complete(stated: &mut Stated, found: &Signature, rows_max_default: usize) -> Completed {
    let can_batch = found
        .inputs
        .iter()
        .chain(&found.outputs)
        .all(|tensor| tensor.dims.first() == Some(&Dim::Any));
    let is_filled_in = can_batch && (stated.inputs.is_empty() || stated.outputs.is_empty());
    let rows_max = match stated.rows_max {
        0 if is_filled_in => found.rows_max.unwrap_or(rows_max_default),
        rows => rows,
    };
    if rows_max > 0 && !can_batch {
        refuse_batching(stated, found);
    }
    if let Some(most) = found.rows_max.filter(|most| can_batch && rows_max > *most) {
        refuse_rows(stated, rows_max, most);
    }
    // Where it cannot batch, dims are compared as they will have to be written without batching.
    let is_batched = rows_max > 0 && can_batch;
    let Stated { inputs, outputs, problems, .. } = stated;
    let mut side = |field, stated: &[StatedTensor], found: &[TensorSpec]| {
        Side { field, found, is_batched }.complete(stated, problems)
    };
    let signature = Signature {
        inputs: side("input", inputs, &found.inputs),
        outputs: side("output", outputs, &found.outputs),
        ..Signature::default()
    };
    Completed { signature, is_batched, rows_max, batches_by_default: is_filled_in && rows_max > 1 }
}

fn refuse_batching(stated: &mut Stated, found: &Signature) {
    let message = format!(
        "autofill failed for model '{}': model does not support batching while non-zero \
         max_batch_size is specified; the engine found {}",
        stated.config.name,
        describe(found)
    );
    stated.problems.at("max_batch_size", message);
}

/// Triton's TensorRT backend, of plans.
fn refuse_rows(stated: &mut Stated, rows_max: usize, most: usize) {
    let message = format!(
        "autofill failed for model '{}': configuration specified max-batch {rows_max} but the engine only \
         supports max-batch {most}",
        stated.config.name
    );
    stated.problems.at("max_batch_size", message);
}

/// The inputs that an engine found, or the outputs.
struct Side<'f> {
    field: &'static str,
    found: &'f [TensorSpec],
    is_batched: bool,
}

impl Side<'_> {
    /// What was stated, in its order, and then what was left out, in the engine's.
    fn complete(&self, stated: &[StatedTensor], problems: &mut Problems) -> Vec<TensorSpec> {
        let mut complete = Vec::with_capacity(self.found.len());
        for (index, tensor) in stated.iter().enumerate() {
            let path = format!("{}[{index}]", self.field);
            let Some(found) = self.found.iter().find(|found| *found.name == *tensor.name) else {
                problems.at(&path, self.unknown(&tensor.name));
                continue;
            };
            let found = without_batch(found, self.is_batched);
            let tensor = tensor.completed_by(&found);
            if let Some(misfit) = misfit(&tensor, &found, self.is_batched) {
                problems.at(&path, misfit);
            }
            complete.push(tensor);
        }
        let is_left_out =
            |found: &&TensorSpec| !stated.iter().any(|tensor| *tensor.name == *found.name);
        let left_out = self.found.iter().filter(is_left_out);
        complete.extend(left_out.map(|tensor| without_batch(tensor, self.is_batched)));
        complete
    }

    fn unknown(&self, name: &str) -> String {
        let field = self.field;
        let names: Vec<_> = self.found.iter().map(|tensor| format!("'{}'", tensor.name)).collect();
        format!("the model has no {field} '{name}'; its {field}s are {}", names.join(", "))
    }
}

fn without_batch(tensor: &TensorSpec, is_batched: bool) -> TensorSpec {
    let dims = match tensor.dims.split_first() {
        Some((_, inner)) if is_batched => inner.to_vec(),
        _ => tensor.dims.clone(),
    };
    if dims.is_empty() {
        return TensorSpec { dims: vec![Dim::Fixed(1)], reshape: Some(dims), ..tensor.clone() };
    }
    TensorSpec { dims, ..tensor.clone() }
}

/// Why `stated` cannot be what the engine found, if it cannot.
fn misfit(stated: &TensorSpec, found: &TensorSpec, is_batched: bool) -> Option<String> {
    let name = &stated.name;
    if stated.data_type != found.data_type {
        let (stated, found) = (stated.data_type.config_name(), found.data_type.config_name());
        return Some(format!("'{name}': data_type is {stated}, but the model has {found}"));
    }
    let admits = |(stated, found): (&Dim, &Dim)| *found == Dim::Any || stated == found;
    let (stated, found, field) = match &stated.reshape {
        Some(reshape) => (&**reshape, found.engine_dims(), "reshape is"),
        None => (&*stated.dims, found.engine_dims(), "dims are"),
    };
    let fits = stated.len() == found.len() && stated.iter().zip(found).all(admits);
    (!fits).then(|| {
        let (stated, found) = (dims_text(stated), dims_text(found));
        let axes = if is_batched { "without the batch axis" } else { "all axes, without batching" };
        format!("'{name}': {field} {stated}, but the model has {found} ({axes})")
    })
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

#[cfg(test)]
mod tests;
