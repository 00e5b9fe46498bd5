//! What a model does not want never reaches its queue: after this, a request fits its signature.
//!
//! The texts are Triton's, which clients match, and so is the order of the checks.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::parts::{Parameters, Tensors, Wanted};
use nereid_backend::request::Hold;
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_backend::tensor::{Storage, Tensor, TensorError};

/// What a client asks of a model, as it came off the wire.
#[derive(Default)]
pub struct Ask {
    /// The client's own name for the request; may be empty.
    pub id: Arc<str>,
    /// Inputs in the order in which they came.
    pub inputs: Vec<AskedInput>,
    /// Outputs in the order in which they are wanted; none means all.
    pub outputs: Vec<Arc<str>>,
    /// The client's parameters, less those that have a field here.
    pub parameters: Parameters,
    /// How long the client will wait.
    pub timeout: Option<Duration>,
    /// What is counted as in flight until the request is gone.
    pub hold: Hold,
}

/// One input, as it came off the wire.
#[derive(Debug)]
pub struct AskedInput {
    /// Which one.
    pub name: String,
    /// Element type.
    pub data_type: DataType,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// Elements in the form that [`Tensor`] has them.
    pub data: Bytes,
}

/// Inputs that fit a model, in its order, and their rows along the batch axis.
#[derive(Debug)]
pub struct Admitted {
    /// The inputs.
    pub inputs: Tensors,
    /// Rows of each of them; 1 if the model does not batch.
    pub rows: NonZeroUsize,
}

/// Turns the inputs of `ask` into tensors that fit `spec`.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn admit(spec: &ModelSpec, ask: &mut Ask) -> Result<Admitted, InferError> {
    let names: Vec<&str> = ask.inputs.iter().map(|input| &*input.name).collect();
    check_names(spec, &ask.id, &names)?;
    let asked = std::mem::take(&mut ask.inputs);
    let mut tensors = Tensors::with_capacity(asked.len());
    for input in asked {
        tensors.push(tensor(spec, &ask.id, input)?);
    }
    check_tensors(spec, &ask.id, tensors)
}

/// Checks tensors, whoever made them, against the model that is to take them, and puts them in
/// its order.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn fit(spec: &ModelSpec, id: &str, inputs: Tensors) -> Result<Admitted, InferError> {
    let names: Vec<&str> = inputs.iter().map(|(name, _)| &**name).collect();
    check_names(spec, id, &names)?;
    check_tensors(spec, id, inputs)
}

/// The outputs that `names` ask for, on the host; all of them if it names none. As in Triton, one
/// that is named again is answered once: a small request must not multiply its answer.
///
/// # Errors
/// [`InferError::Invalid`] when the model has no such output.
pub fn wanted(spec: &ModelSpec, names: &[Arc<str>]) -> Result<Vec<Wanted>, InferError> {
    let host = |name: &Arc<str>| Wanted { name: name.clone(), place: DeviceId::Cpu };
    if names.is_empty() {
        return Ok(spec.signature.outputs.iter().map(|output| host(&output.name)).collect());
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for name in names {
        if spec.signature.output(name).is_none() {
            return Err(unexpected("output", name, spec));
        }
        if !wanted.iter().any(|earlier| earlier.name == *name) {
            wanted.push(host(name));
        }
    }
    Ok(wanted)
}

fn check_names(spec: &ModelSpec, id: &str, names: &[&str]) -> Result<(), InferError> {
    // A set, since a message has room for millions of inputs, and this runs on a shared thread.
    let mut seen = HashSet::with_capacity(names.len());
    for name in names {
        if !seen.insert(name) {
            return Err(invalid(id, &format!("input '{name}' already exists in request")));
        }
    }
    let required = spec.signature.inputs.iter().filter(|input| !input.is_optional).count();
    let all = spec.signature.inputs.len();
    if names.len() < required || names.len() > all {
        return Err(invalid(id, &wrong_count(spec, names)));
    }
    if let Some(unknown) = names.iter().find(|name| spec.signature.input(name).is_none()) {
        return Err(unexpected("input", unknown, spec));
    }
    match missing(spec, names).next() {
        Some(_) => Err(invalid(id, &wrong_count(spec, names))),
        None => Ok(()),
    }
}

/// The inputs that are required and have none of these names.
fn missing<'a>(spec: &'a ModelSpec, names: &'a [&str]) -> impl Iterator<Item = &'a TensorSpec> {
    let is_missing = |input: &&TensorSpec| !input.is_optional && !names.contains(&&*input.name);
    spec.signature.inputs.iter().filter(is_missing)
}

/// Triton lists the inputs that came in the order of a hash table. Ours come as they were sent.
fn wrong_count(spec: &ModelSpec, names: &[&str]) -> String {
    let got: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let missing: Vec<_> = missing(spec, names).map(|input| format!("'{}'", input.name)).collect();
    let required = spec.signature.inputs.iter().filter(|input| !input.is_optional).count();
    let all = spec.signature.inputs.len();
    let expected =
        if required == all { all.to_string() } else { format!("between {required} and {all}") };
    format!(
        "expected {expected} inputs but got {} inputs for model '{}'. Got input(s) [{}], but \
         missing required input(s) [{}]. Please provide all required input(s).",
        names.len(),
        spec.name,
        got.join(","),
        missing.join(",")
    )
}

/// Checks tensors that have the right names.
fn check_tensors(spec: &ModelSpec, id: &str, mut inputs: Tensors) -> Result<Admitted, InferError> {
    let position = |name: &str| spec.signature.inputs.iter().position(|input| *input.name == *name);
    inputs.sort_by_key(|(name, _)| position(name));
    let rows = if spec.is_batched { batch_rows(spec, id, &inputs)? } else { NonZeroUsize::MIN };
    for (name, tensor) in &inputs {
        let Some(input) = spec.signature.input(name) else {
            return Err(unexpected("input", name, spec));
        };
        check_type(spec, id, input, tensor.data_type())?;
        check_shape(spec, id, input, tensor.shape())?;
    }
    Ok(Admitted { inputs, rows })
}

fn tensor(spec: &ModelSpec, id: &str, asked: AskedInput) -> Result<(Arc<str>, Tensor), InferError> {
    let Some(input) = spec.signature.input(&asked.name) else {
        return Err(unexpected("input", &asked.name, spec));
    };
    check_type(spec, id, input, asked.data_type)?;
    let (name, model) = (&input.name, &spec.name);
    let storage = Storage::Host(asked.data.clone());
    let error = match Tensor::new(asked.data_type, asked.shape, storage) {
        Ok(tensor) => return Ok((name.clone(), tensor)),
        Err(error) => error,
    };
    Err(match error {
        TensorError::Size { expected, actual } => invalid(
            id,
            &format!(
                "input byte size mismatch for input '{name}' for model '{model}'. Expected \
                 {expected}, got {actual}"
            ),
        ),
        TensorError::Framing { expected, .. } => {
            InferError::Invalid(wrong_framing(name, &asked.data, expected))
        }
        error => invalid(id, &format!("input '{name}' for model '{model}': {error}")),
    })
}

/// Why `data` are not that many byte strings, each after its length.
fn wrong_framing(name: &str, data: &[u8], expected: usize) -> String {
    let mut rest = data;
    for found in 0..expected {
        let Some((prefix, behind)) = rest.split_first_chunk::<4>() else {
            return format!(
                "incomplete string length data for inference input '{name}', expecting {expected} \
                 strings but only {found} are there"
            );
        };
        let length = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
        let Some(behind) = behind.get(length..) else {
            return format!(
                "incomplete string data for inference input '{name}', expecting string of length \
                 {length} but only {} bytes available",
                behind.len()
            );
        };
        rest = behind;
    }
    format!(
        "unexpected number of string elements for inference input '{name}', expecting {expected}; \
         {} more bytes follow",
        rest.len()
    )
}

fn check_type(
    spec: &ModelSpec,
    id: &str,
    input: &TensorSpec,
    actual: DataType,
) -> Result<(), InferError> {
    if actual == input.data_type {
        return Ok(());
    }
    let text = format!(
        "inference input '{}' data-type is '{}', but model '{}' expects '{}'",
        input.name,
        actual.name(),
        spec.name,
        input.data_type.name()
    );
    Err(invalid(id, &text))
}

/// The rows that all inputs have. Triton walks through them in the order of a hash table; from
/// the last to the first agrees with what was recorded of it.
fn batch_rows(spec: &ModelSpec, id: &str, inputs: &Tensors) -> Result<NonZeroUsize, InferError> {
    let mut all = None;
    for (name, tensor) in inputs.iter().rev() {
        let rows = tensor.shape().first().copied().unwrap_or(0);
        if *all.get_or_insert(rows) != rows {
            let text = format!(
                "input '{name}' batch size does not match other inputs for '{}'",
                spec.name
            );
            return Err(invalid(id, &text));
        }
    }
    let rows = all.unwrap_or(1);
    if rows > spec.rows_max {
        let (most, model) = (spec.rows_max, &spec.name);
        let text = format!("inference request batch-size must be <= {most} for '{model}'");
        return Err(invalid(id, &text));
    }
    NonZeroUsize::new(rows).ok_or_else(|| {
        invalid(id, &format!("inference request batch-size must be at least 1 for '{}'", spec.name))
    })
}

fn check_shape(
    spec: &ModelSpec,
    id: &str,
    input: &TensorSpec,
    shape: &[usize],
) -> Result<(), InferError> {
    let inner = shape.get(usize::from(spec.is_batched)..).unwrap_or_default();
    let is_fit = inner.len() == input.dims.len()
        && shape.len() == input.dims.len() + usize::from(spec.is_batched)
        && input.dims.iter().zip(inner).all(|(dim, &size)| dim.admits(size));
    if is_fit {
        return Ok(());
    }
    let mut expected = Vec::new();
    expected.extend(spec.is_batched.then_some(Dim::Any));
    expected.extend(&input.dims);
    let mut text = format!(
        "unexpected shape for input '{}' for model '{}'. Expected {}, got {}.",
        input.name,
        spec.name,
        list(&expected),
        list(shape)
    );
    if spec.is_batched {
        text.push_str(BATCH_NOTE);
    }
    Err(invalid(id, &text))
}

/// What Triton adds, since a forgotten batch axis is the commonest mistake.
const BATCH_NOTE: &str = " NOTE: Setting a non-zero max_batch_size in the model config requires a \
    batch dimension to be prepended to each input shape. If you want to specify the full shape \
    including the batch dim in your input dims config, try setting max_batch_size to zero. See the \
    model configuration docs for more info on max_batch_size.";

fn list(sizes: &[impl ToString]) -> String {
    let mut text = String::from("[");
    for (index, size) in sizes.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{}", size.to_string());
    }
    text + "]"
}

fn unexpected(what: &str, name: &str, spec: &ModelSpec) -> InferError {
    InferError::Invalid(format!("unexpected inference {what} '{name}' for model '{}'", spec.name))
}

fn invalid(id: &str, text: &str) -> InferError {
    InferError::Invalid(id_prefix(id) + text)
}

#[cfg(test)]
mod tests;
