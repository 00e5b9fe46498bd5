//! From a response to a body: JSON, and the binary tensors behind it, which are shared, not copied.

use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::{DataType, Element};
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

/// What is sent back.
pub struct InferResponse<'r> {
    /// The client's own name for the request; left out if empty.
    pub id: &'r str,
    /// The model that answered.
    pub model: &'r str,
    /// Its version.
    pub version: u64,
    /// The outputs, each with whether it is wanted as binary data.
    pub outputs: &'r [(Arc<str>, Tensor, bool)],
    /// Those of them that were written to shared memory, and so are described alone.
    pub placed: &'r [Arc<str>],
}

/// A body in parts.
#[derive(Debug)]
pub struct Encoded {
    /// The JSON.
    pub header: Bytes,
    /// The tensors behind it; if there are none, the JSON is the whole body.
    pub binary: Vec<Bytes>,
}

/// Encodes a response.
///
/// # Errors
/// When an output cannot be written as JSON: FP16, BF16, and bytes that are not text.
pub fn encode(response: &InferResponse<'_>) -> Result<Encoded, InferError> {
    let mut json = Vec::with_capacity(capacity(response.outputs));
    let mut binary = Vec::new();
    json.push(b'{');
    if !response.id.is_empty() {
        key_and_string(&mut json, "id", response.id);
        json.push(b',');
    }
    key_and_string(&mut json, "model_name", response.model);
    json.push(b',');
    let mut version = itoa::Buffer::new();
    key_and_string(&mut json, "model_version", version.format(response.version));
    json.extend(b",\"outputs\":[");
    for (index, (name, tensor, is_binary)) in response.outputs.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        header(&mut json, name, tensor);
        if response.placed.contains(name) {
            // Its client knows where it is.
        } else if *is_binary {
            let bytes = tensor.host_bytes().ok_or_else(|| not_on_host(name))?;
            json.extend(b",\"parameters\":{\"binary_data_size\":");
            integer(&mut json, bytes.len());
            json.push(b'}');
            binary.push(bytes);
        } else {
            json.extend(b",\"data\":[");
            data(&mut json, name, tensor)?;
            json.push(b']');
        }
        json.push(b'}');
    }
    json.extend(b"]}");
    Ok(Encoded { header: json.into(), binary })
}

/// Room for names and shapes, and for numbers of a few digits.
fn capacity(outputs: &[(Arc<str>, Tensor, bool)]) -> usize {
    let json = outputs.iter().filter(|(_, _, is_binary)| !is_binary);
    128 + outputs.len() * 128 + json.map(|(_, tensor, _)| tensor.size_bytes() * 2).sum::<usize>()
}

fn header(json: &mut Vec<u8>, name: &str, tensor: &Tensor) {
    json.push(b'{');
    key_and_string(json, "name", name);
    json.push(b',');
    key_and_string(json, "datatype", tensor.data_type().name());
    json.extend(b",\"shape\":[");
    list(json, tensor.shape(), |json, &size| integer(json, size));
    json.push(b']');
}

fn data(json: &mut Vec<u8>, name: &str, tensor: &Tensor) -> Result<(), InferError> {
    match tensor.data_type() {
        DataType::Bool => {
            let bytes = tensor.host().ok_or_else(|| not_on_host(name))?;
            list(json, bytes, |json, &byte| {
                json.extend(if byte == 0 { &b"false"[..] } else { b"true" });
            });
            Ok(())
        }
        DataType::Int8 => integers::<i8>(json, name, tensor),
        DataType::Int16 => integers::<i16>(json, name, tensor),
        DataType::Int32 => integers::<i32>(json, name, tensor),
        DataType::Int64 => integers::<i64>(json, name, tensor),
        DataType::Uint8 => integers::<u8>(json, name, tensor),
        DataType::Uint16 => integers::<u16>(json, name, tensor),
        DataType::Uint32 => integers::<u32>(json, name, tensor),
        DataType::Uint64 => integers::<u64>(json, name, tensor),
        DataType::Fp32 => {
            numbers(json, name, tensor, |json, value: f32| match Special::of(value) {
                Some(special) => json.extend(special.name().as_bytes()),
                None => json.extend(ryu::Buffer::new().format_finite(value).as_bytes()),
            })
        }
        DataType::Fp64 => {
            numbers(json, name, tensor, |json, value: f64| match Special::of(value) {
                Some(special) => json.extend(special.name().as_bytes()),
                None => json.extend(ryu::Buffer::new().format_finite(value).as_bytes()),
            })
        }
        DataType::Bytes => strings(json, name, tensor),
        data_type @ (DataType::Fp16 | DataType::Bf16) => Err(InferError::Invalid(format!(
            "sending {} data via JSON is not supported. Please use the binary data format for \
             output {name}",
            data_type.name()
        ))),
    }
}

fn integers<T: Element + itoa::Integer>(
    json: &mut Vec<u8>,
    name: &str,
    tensor: &Tensor,
) -> Result<(), InferError> {
    numbers(json, name, tensor, integer::<T>)
}

/// Writes values wherever they lie: an output may be a slice that is not aligned for its type.
fn numbers<T: Element>(
    json: &mut Vec<u8>,
    name: &str,
    tensor: &Tensor,
    write: impl Fn(&mut Vec<u8>, T),
) -> Result<(), InferError> {
    let bytes = tensor.host().ok_or_else(|| not_on_host(name))?;
    let values = bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned);
    for (index, value) in values.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write(json, value);
    }
    Ok(())
}

/// Numbers that JSON has no text for; Triton and its clients write their names.
#[derive(Clone, Copy)]
enum Special {
    NotANumber,
    Infinity,
    MinusInfinity,
}

impl Special {
    fn of(value: impl Into<f64>) -> Option<Self> {
        let value = value.into();
        match value {
            _ if value.is_nan() => Some(Self::NotANumber),
            f64::INFINITY => Some(Self::Infinity),
            f64::NEG_INFINITY => Some(Self::MinusInfinity),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::NotANumber => "NaN",
            Self::Infinity => "Infinity",
            Self::MinusInfinity => "-Infinity",
        }
    }
}

/// JSON is text. Triton writes other bytes into it all the same; that breaks every parser.
fn strings(json: &mut Vec<u8>, name: &str, tensor: &Tensor) -> Result<(), InferError> {
    let strings = tensor.strings().ok_or_else(|| not_on_host(name))?;
    for (index, bytes) in strings.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        let string = std::str::from_utf8(bytes).map_err(|_| {
            InferError::Invalid(format!(
                "output '{name}' holds bytes that are not UTF-8, which JSON cannot carry: ask for \
                 it with the parameter 'binary_data'"
            ))
        })?;
        quoted(json, string);
    }
    Ok(())
}

fn list<T>(json: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write(json, value);
    }
}

fn key_and_string(json: &mut Vec<u8>, key: &str, value: &str) {
    quoted(json, key);
    json.push(b':');
    quoted(json, value);
}

fn quoted(json: &mut Vec<u8>, string: &str) {
    // Neither strings nor writing to memory can fail.
    let _ = serde_json::to_writer(json, string);
}

fn integer<T: itoa::Integer>(json: &mut Vec<u8>, value: T) {
    json.extend(itoa::Buffer::new().format(value).as_bytes());
}

fn not_on_host(name: &str) -> InferError {
    InferError::Backend(format!("output '{name}' is not on the host").into())
}

#[cfg(test)]
mod tests;
