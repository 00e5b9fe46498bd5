//! The typed contents of an input: fields for each type become the bytes of a tensor.

use std::fmt::Display;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::tensor::{PREFIX_BYTES, frame};

use crate::inference::{InferTensorContents, ModelInferRequest};

/// How many bytes decoding `message` will write, since its inputs have typed contents.
pub fn rewritten_bytes(message: &ModelInferRequest) -> usize {
    let contents = message.inputs.iter().filter_map(|input| input.contents.as_ref());
    contents.map(size_bytes).fold(0, usize::saturating_add)
}

/// Narrow integers come in 32 bits, and are counted as such.
fn size_bytes(contents: &InferTensorContents) -> usize {
    let strings = contents.bytes_contents.iter().map(|string| string.len() + PREFIX_BYTES);
    let numbers = FIELDS.map(|field| {
        let element = field.size_bytes().unwrap_or_default();
        element.saturating_mul(elements_of(contents, field))
    });
    numbers.into_iter().chain(strings).fold(0, usize::saturating_add)
}

/// Reads the `contents` of an input of `data_type`.
///
/// # Errors
/// What is wrong with them, to be said after whose they are.
pub(super) fn read(contents: &InferTensorContents, data_type: DataType) -> Result<Bytes, Fault> {
    let bytes = bytes_of_type(contents, data_type)?;
    let own = field_of(data_type);
    let is_sent = |field: &DataType| elements_of(contents, *field) > 0;
    match FIELDS.into_iter().filter(is_sent).find(|&field| field != own) {
        Some(other) => Err(Fault::OtherField(other)),
        None => Ok(bytes.into()),
    }
}

/// Why contents are no tensor.
pub(super) enum Fault {
    /// Their type has no field.
    NoField,
    /// They are in the field of this other type.
    OtherField(DataType),
    /// One of them cannot be of this type; says which.
    Value(String),
}

/// One type for each field.
const FIELDS: [DataType; 8] = [
    DataType::Bool,
    DataType::Int32,
    DataType::Int64,
    DataType::Uint32,
    DataType::Uint64,
    DataType::Fp32,
    DataType::Fp64,
    DataType::Bytes,
];

/// The type that names the field for this type: narrow integers share one.
fn field_of(data_type: DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 => DataType::Int32,
        DataType::Uint8 | DataType::Uint16 => DataType::Uint32,
        other => other,
    }
}

/// How many elements are in the field that is for this type.
fn elements_of(contents: &InferTensorContents, data_type: DataType) -> usize {
    match field_of(data_type) {
        DataType::Bool => contents.bool_contents.len(),
        DataType::Int32 => contents.int_contents.len(),
        DataType::Int64 => contents.int64_contents.len(),
        DataType::Uint32 => contents.uint_contents.len(),
        DataType::Uint64 => contents.uint64_contents.len(),
        DataType::Fp32 => contents.fp32_contents.len(),
        DataType::Fp64 => contents.fp64_contents.len(),
        DataType::Bytes => contents.bytes_contents.len(),
        _ => 0,
    }
}

/// The bytes of a tensor. Small integers come as 32 bits and must fit their type.
fn bytes_of_type(contents: &InferTensorContents, data_type: DataType) -> Result<Vec<u8>, Fault> {
    let (ints, uints) = (&contents.int_contents, &contents.uint_contents);
    Ok(match data_type {
        DataType::Bool => contents.bool_contents.iter().copied().map(u8::from).collect(),
        DataType::Int8 => narrow(ints, data_type, i8::to_le_bytes)?,
        DataType::Int16 => narrow(ints, data_type, i16::to_le_bytes)?,
        DataType::Int32 => bytes_of(ints, i32::to_le_bytes),
        DataType::Int64 => bytes_of(&contents.int64_contents, i64::to_le_bytes),
        DataType::Uint8 => narrow(uints, data_type, u8::to_le_bytes)?,
        DataType::Uint16 => narrow(uints, data_type, u16::to_le_bytes)?,
        DataType::Uint32 => bytes_of(uints, u32::to_le_bytes),
        DataType::Uint64 => bytes_of(&contents.uint64_contents, u64::to_le_bytes),
        DataType::Fp32 => bytes_of(&contents.fp32_contents, f32::to_le_bytes),
        DataType::Fp64 => bytes_of(&contents.fp64_contents, f64::to_le_bytes),
        DataType::Bytes => {
            frame(&contents.bytes_contents).map_err(|error| Fault::Value(error.to_string()))?
        }
        DataType::Fp16 | DataType::Bf16 => return Err(Fault::NoField),
    })
}

fn bytes_of<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

/// The bytes of `values` as a narrower type.
fn narrow<T: Copy + Display, Narrow: TryFrom<T>, const N: usize>(
    values: &[T],
    data_type: DataType,
    bytes: impl Fn(Narrow) -> [u8; N],
) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::with_capacity(values.len() * N);
    for &value in values {
        let narrowed = Narrow::try_from(value).map_err(|_| {
            Fault::Value(format!("value {value} does not fit {}", data_type.name()))
        })?;
        all.extend(bytes(narrowed));
    }
    Ok(all)
}
