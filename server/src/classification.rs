//! The classification extension: a client asks for the highest values of an output instead of all
//! of it, each as the text `value:index[:label]`. Texts and forms are Triton's.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::spec::ModelSpec;
use nereid_backend::tensor::Tensor;
use nereid_model_repository::definition::Definition;

/// How many classes are wanted of which outputs.
pub type Classes = BTreeMap<Arc<str>, NonZeroUsize>;

/// The most elements that an output may have to be classified, as in Triton.
const ELEMENTS_MAX: usize = 1_000_000;

/// Checks, before anything is run, that what is to be classified are numbers.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn check(spec: &ModelSpec, classes: &Classes) -> Result<(), InferError> {
    let outputs = spec.signature.outputs.iter();
    let mut wanted = outputs.filter(|output| classes.contains_key(&output.name));
    wanted.try_for_each(|output| match output.data_type {
        data_type @ (DataType::Fp16 | DataType::Bf16 | DataType::Bool | DataType::Bytes) => {
            Err(unsupported(data_type))
        }
        _ => Ok(()),
    })
}

/// The `outputs` of a model, those of which `classes` are wanted classified.
///
/// # Errors
/// When one of them cannot be.
pub fn classify(
    definition: &Definition,
    classes: &Classes,
    outputs: Tensors,
) -> Result<Tensors, InferError> {
    let classified = outputs.into_iter().map(|(name, tensor)| {
        let Some(count) = classes.get(&name) else { return Ok((name, tensor)) };
        let is_batched = definition.spec.is_batched;
        let label = |index| definition.labels.get(&name, index);
        let tensor = classified(&name, &tensor, Axes { is_batched, count: *count }, &label)?;
        Ok((name, tensor))
    });
    classified.collect()
}

/// How a tensor becomes classes.
#[derive(Clone, Copy)]
struct Axes {
    /// Whether each of its rows has classes of its own.
    is_batched: bool,
    /// How many are wanted.
    count: NonZeroUsize,
}

/// Gives the label of a class.
type Label<'l> = &'l dyn Fn(usize) -> Option<&'l [u8]>;

fn classified(
    name: &str,
    tensor: &Tensor,
    axes: Axes,
    label: Label<'_>,
) -> Result<Tensor, InferError> {
    if tensor.elements() > ELEMENTS_MAX {
        return Err(InferError::Invalid(format!(
            "output '{name}' has {} elements, at most {ELEMENTS_MAX} can be classified",
            tensor.elements()
        )));
    }
    let bytes = tensor.host().ok_or_else(|| failed(name, &"it is not on the host"))?;
    let (batch, inner) = tensor.shape().split_at(usize::from(axes.is_batched));
    let width = inner.iter().product::<usize>();
    let count = axes.count.get().min(width);
    let top = Top { width, count, label };
    let texts = match tensor.data_type() {
        DataType::Int8 => top.of(&numbers(bytes, i8::from_le_bytes), &plain),
        DataType::Int16 => top.of(&numbers(bytes, i16::from_le_bytes), &plain),
        DataType::Int32 => top.of(&numbers(bytes, i32::from_le_bytes), &plain),
        DataType::Int64 => top.of(&numbers(bytes, i64::from_le_bytes), &plain),
        DataType::Uint8 => top.of(&numbers(bytes, u8::from_le_bytes), &plain),
        DataType::Uint16 => top.of(&numbers(bytes, u16::from_le_bytes), &plain),
        DataType::Uint32 => top.of(&numbers(bytes, u32::from_le_bytes), &plain),
        DataType::Uint64 => top.of(&numbers(bytes, u64::from_le_bytes), &plain),
        DataType::Fp32 => {
            top.of(&numbers(bytes, f32::from_le_bytes), &|value| decimal(f64::from(*value)))
        }
        DataType::Fp64 => top.of(&numbers(bytes, f64::from_le_bytes), &|value| decimal(*value)),
        other => return Err(unsupported(other)),
    };
    let shape = [batch, &[count]].concat();
    Tensor::from_strings(shape, &texts).map_err(|error| failed(name, &error))
}

/// What is wanted of rows of numbers.
struct Top<'l> {
    width: usize,
    count: usize,
    label: Label<'l>,
}

impl Top<'_> {
    /// The texts of the highest `values` of each row, the highest first and of equal ones the
    /// first; what is not a number comes last.
    fn of<T: PartialOrd>(&self, values: &[T], write: &dyn Fn(&T) -> String) -> Vec<Vec<u8>> {
        let mut texts = Vec::new();
        // A row without elements has no classes, and cannot be a chunk.
        for row in values.chunks_exact(self.width.max(1)) {
            let order = |one: &usize, two: &usize| {
                descending(&row[*one], &row[*two]).then_with(|| one.cmp(two))
            };
            let mut indices: Vec<usize> = (0..row.len()).collect();
            if self.count < indices.len() {
                indices.select_nth_unstable_by(self.count, order);
                indices.truncate(self.count);
            }
            indices.sort_unstable_by(order);
            texts.extend(indices.into_iter().map(|index| self.text(&write(&row[index]), index)));
        }
        texts
    }

    fn text(&self, value: &str, index: usize) -> Vec<u8> {
        let mut text = format!("{value}:{index}").into_bytes();
        if let Some(label) = (self.label)(index) {
            text.push(b':');
            text.extend(label);
        }
        text
    }
}

fn descending<T: PartialOrd>(one: &T, two: &T) -> Ordering {
    // Of what does not compare, at least one is not a number, which does not equal itself.
    two.partial_cmp(one).unwrap_or_else(|| is_nan(one).cmp(&is_nan(two)))
}

fn is_nan<T: PartialOrd>(value: &T) -> bool {
    value.partial_cmp(value).is_none()
}

fn numbers<T, const SIZE: usize>(bytes: &[u8], read: fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| read(*chunk)).collect()
}

fn plain<T: ToString>(value: &T) -> String {
    value.to_string()
}

fn decimal(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:.6}") }
}

fn unsupported(data_type: DataType) -> InferError {
    let name = data_type.name();
    InferError::Invalid(format!(
        "class result not available for output due to unsupported type '{name}'"
    ))
}

fn failed(name: &str, why: &dyn std::fmt::Display) -> InferError {
    InferError::Backend(format!("output '{name}' cannot be classified: {why}").into())
}

#[cfg(test)]
mod tests;
