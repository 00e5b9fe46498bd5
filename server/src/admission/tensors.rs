//! One input after the other: its type, its size, its shape, and the rows that all have.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_backend::tensor::{PREFIX_BYTES, Storage, Tensor, TensorError};
use nereid_proto::infer::{Data, Input};

use super::{Admitted, invalid, unexpected};
use crate::regions::Regions;

/// The largest size of an axis: `i32::MAX`.
const AXIS_MAX: usize = (1 << 31) - 1;

/// Checks tensors that have the right names, and puts them in the model's order.
///
/// # Errors
/// [`InferError::Invalid`].
pub(super) fn fit(spec: &ModelSpec, id: &str, inputs: Tensors) -> Result<Admitted, InferError> {
    let first = |tensor: &Tensor| Some(tensor.shape().first().copied().unwrap_or(0));
    let sizes = inputs.iter().map(|(name, tensor)| (&**name, first(tensor)));
    let rows = batch_rows(spec, id, sizes)?;
    for (name, tensor) in inputs.iter().rev() {
        let input = expected(spec, name)?;
        check_type(spec, id, input, Some(tensor.data_type()))?;
        check_shape(spec, id, input, tensor.shape())?;
    }
    Ok(Admitted { inputs: in_order(spec, inputs), rows })
}

/// Makes tensors of inputs that have the right names, in the model's order. As in Triton, the
/// rows come first, and then one input after the other, from the last that was sent to the first.
///
/// # Errors
/// [`InferError::Invalid`] when one does not fit the model, or its size not its shape.
pub(super) fn read(
    spec: &ModelSpec,
    id: &str,
    asked: &[Input],
    regions: &Regions,
) -> Result<Admitted, InferError> {
    let first = |shape: &[i64]| shape.first().map_or(Some(0), |&size| usize::try_from(size).ok());
    let sizes = asked.iter().map(|input| (&*input.name, first(&input.shape)));
    let rows = batch_rows(spec, id, sizes)?;
    let inputs = asked.iter().rev().map(|input| read_one(spec, id, input, regions));
    Ok(Admitted { inputs: in_order(spec, inputs.collect::<Result<_, _>>()?), rows })
}

fn read_one(
    spec: &ModelSpec,
    id: &str,
    asked: &Input,
    regions: &Regions,
) -> Result<(Arc<str>, Tensor), InferError> {
    let input = expected(spec, &asked.name)?;
    let data_type = check_type(spec, id, input, asked.data_type)?;
    let shape = check_axes(spec, id, input, &asked.shape)?;
    check_shape(spec, id, input, &shape)?;
    let (name, model) = (&input.name, &spec.name);
    let made = match &asked.data {
        Data::Sent(bytes) => Tensor::new(data_type, shape, Storage::Host(bytes.clone())),
        Data::Shared(part) => {
            let (memory, range) = regions.find(part)?;
            let storage = Storage::Device(memory.buffer().clone());
            Tensor::of_part(data_type, shape, storage, range)
        }
    };
    let error = match made {
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
            InferError::Invalid(wrong_framing(name, asked.sent(), expected))
        }
        error => invalid(id, &format!("input '{name}' for model '{model}': {error}")),
    })
}

/// The model's input of this name.
fn expected<'s>(spec: &'s ModelSpec, name: &str) -> Result<&'s TensorSpec, InferError> {
    spec.signature.input(name).ok_or_else(|| unexpected("input", name, spec))
}

fn in_order(spec: &ModelSpec, mut inputs: Tensors) -> Tensors {
    let position = |name: &str| spec.signature.inputs.iter().position(|input| *input.name == *name);
    inputs.sort_by_key(|(name, _)| position(name));
    inputs
}

/// Why `data` are not that many byte strings, each after its length.
pub(super) fn wrong_framing(name: &str, data: &[u8], expected: usize) -> String {
    let mut rest = data;
    for found in 0..expected {
        let Some((prefix, behind)) = rest.split_first_chunk::<PREFIX_BYTES>() else {
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
    actual: Option<DataType>,
) -> Result<DataType, InferError> {
    if actual == Some(input.data_type) {
        return Ok(input.data_type);
    }
    let text = format!(
        "inference input '{}' data-type is '{}', but model '{}' expects '{}'",
        input.name,
        actual.map_or("<invalid>", DataType::name),
        spec.name,
        input.data_type.name()
    );
    Err(invalid(id, &text))
}

/// A tensor without elements may have axes of any size, and takes no memory for it; engines count
/// in 32 bits or multiply sizes. A negative size is none at all.
fn check_axes(
    spec: &ModelSpec,
    id: &str,
    input: &TensorSpec,
    shape: &[i64],
) -> Result<Vec<usize>, InferError> {
    let size =
        |&size: &i64| usize::try_from(size).ok().filter(|&size| size <= AXIS_MAX).ok_or(size);
    let whose = || format!("input '{}' for model '{}'", input.name, spec.name);
    shape.iter().map(size).collect::<Result<_, _>>().map_err(|wrong| {
        let text = if wrong < 0 {
            format!("{} has a shape with a negative size: {}", whose(), list(shape))
        } else {
            format!("{} has an axis of {wrong}, an axis may have at most {AXIS_MAX}", whose())
        };
        invalid(id, &text)
    })
}

/// The rows that all inputs have, of the first size of each; `None` is a negative size, which as
/// in Triton equals nothing. Triton walks through the inputs in the order of a hash table; from
/// the last to the first agrees with what was recorded of it.
fn batch_rows<'n>(
    spec: &ModelSpec,
    id: &str,
    sizes: impl DoubleEndedIterator<Item = (&'n str, Option<usize>)>,
) -> Result<NonZeroUsize, InferError> {
    if !spec.is_batched {
        return Ok(NonZeroUsize::MIN);
    }
    let mut all = None;
    for (name, rows) in sizes.rev() {
        let is_same = all.is_none_or(|all| rows.is_some() && all == rows);
        if !is_same {
            let text = format!(
                "input '{name}' batch size does not match other inputs for '{}'",
                spec.name
            );
            return Err(invalid(id, &text));
        }
        all = Some(rows);
    }
    // Without inputs, there is one row.
    let rows = all.map_or(1, Option::unwrap_or_default);
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
pub(super) const BATCH_NOTE: &str = " NOTE: Setting a non-zero max_batch_size in the model config requires a \
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
