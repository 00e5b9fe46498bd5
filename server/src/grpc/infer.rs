//! `ModelInfer`: from the message to tensors and back. Raw tensors are slices of the message that
//! was received; typed contents are rewritten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::parts::{Parameter, Parameters};
use nereid_backend::request::Response as Inferred;
use nereid_proto::inference::infer_parameter::ParameterChoice;
use nereid_proto::inference::model_infer_request::InferInputTensor;
use nereid_proto::inference::model_infer_response::InferOutputTensor;
use nereid_proto::inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
};
use tonic::{Request, Response, Status};

use crate::admission::{Ask, AskedInput};
use crate::grpc::metered::InFlight;
use crate::grpc::{Answered, failure, target};
use crate::inference;
use crate::server::Server;

pub(super) async fn infer(
    server: &Server,
    asked: Request<ModelInferRequest>,
) -> Answered<ModelInferResponse> {
    let deadline = grpc_timeout(&asked)?;
    let in_flight = asked.extensions().get::<InFlight>().cloned();
    let asked = asked.into_inner();
    let target = target(asked.model_name.clone(), &asked.model_version)?;
    let found = server.models.find(&target).map_err(|failed| failure(&failed))?;
    let mut ask = ask(asked).map_err(|failed| failure(&failed))?;
    ask.timeout = [ask.timeout, deadline].into_iter().flatten().min();
    let id = ask.id.clone();
    let inferred = inference::infer(&target, found, ask).await;
    let response = inferred.and_then(|inferred| {
        let spec = &inferred.served.definition.spec;
        encode(&spec.name, spec.version, &id, inferred.response)
    });
    match response {
        Ok(response) => {
            if let Some(in_flight) = in_flight {
                let raw = &response.raw_output_contents;
                in_flight.grow(raw.iter().map(Bytes::len).sum());
            }
            Ok(Response::new(response))
        }
        // With a deadline of gRPC's own, gRPC's own code says that it passed.
        Err(InferError::Expired(id)) if deadline.is_some() => {
            let text = InferError::Expired(id).to_string();
            Err(Status::deadline_exceeded(text))
        }
        Err(failed) => {
            inference::log_failure(&target, &id, &failed);
            Err(failure(&failed))
        }
    }
}

/// The deadline of gRPC's own, as the header `grpc-timeout` has it: up to eight digits and a unit.
fn grpc_timeout<T>(asked: &Request<T>) -> Result<Option<Duration>, Status> {
    let Some(value) = asked.metadata().get("grpc-timeout") else { return Ok(None) };
    let parse = || {
        let (number, unit) = value.to_str().ok()?.split_at_checked(value.len().checked_sub(1)?)?;
        let number: u64 = number.parse().ok().filter(|_| number.len() <= 8)?;
        Some(match unit {
            "H" => Duration::from_secs(number * 3_600),
            "M" => Duration::from_secs(number * 60),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            "n" => Duration::from_nanos(number),
            _ => return None,
        })
    };
    let text = "grpc-timeout must be up to eight digits and one of H, M, S, m, u, n";
    parse().map(Some).ok_or_else(|| Status::invalid_argument(text))
}

fn ask(asked: ModelInferRequest) -> Result<Ask, InferError> {
    let (parameters, timeout) = parameters(asked.parameters)?;
    let id: Arc<str> = asked.id.into();
    let model = &asked.model_name;
    let mut raw = asked.raw_input_contents.into_iter();
    let is_raw = raw.len() > 0;
    let mut inputs = Vec::with_capacity(asked.inputs.len());
    for mut input in asked.inputs {
        let contents = input.contents.take();
        let typed = contents.filter(|contents| *contents != InferTensorContents::default());
        let data_type = DataType::from_name(&input.datatype).ok_or_else(|| {
            InferError::Invalid(format!("invalid datatype for input {}", input.name))
        })?;
        let data = match (typed, is_raw) {
            (None, true) => raw.next().ok_or_else(|| no_data(&input, model))?,
            (None, false) => empty(&input, model)?,
            (Some(_), true) => return Err(both(&input, model)),
            (Some(contents), false) => typed_data(&input, data_type, &contents, model)?,
        };
        let shape = shape(&input, &id)?;
        inputs.push(AskedInput { name: input.name, data_type, shape, data });
    }
    if raw.next().is_some() {
        let (expected, model) = (inputs.len(), model);
        return Err(InferError::Invalid(format!(
            "expected {expected} entries of raw_input_contents for model '{model}', one for each \
             input; got more"
        )));
    }
    let outputs = asked.outputs.into_iter().map(|output| output.name.into()).collect();
    Ok(Ask { id, inputs, outputs, parameters, timeout, hold: None })
}

fn shape(input: &InferInputTensor, id: &str) -> Result<Vec<usize>, InferError> {
    let sizes = input.shape.iter().map(|&size| usize::try_from(size).ok());
    sizes.collect::<Option<_>>().ok_or_else(|| {
        let text =
            format!("shape of input '{}' has a negative size: {:?}", input.name, input.shape);
        InferError::Invalid(id_prefix(id) + &text)
    })
}

/// An input without any data is one without elements, or a mistake.
fn empty(input: &InferInputTensor, model: &str) -> Result<Bytes, InferError> {
    if input.shape.contains(&0) { Ok(Bytes::new()) } else { Err(no_data(input, model)) }
}

fn no_data(input: &InferInputTensor, model: &str) -> InferError {
    let name = &input.name;
    let text =
        format!("unable to find data for input tensor '{name}' for model '{model}' in request.");
    InferError::Invalid(text)
}

fn both(input: &InferInputTensor, model: &str) -> InferError {
    InferError::Invalid(format!(
        "contents field must not be specified when using raw_input_contents for '{}' for model \
         '{model}'",
        input.name
    ))
}

/// The elements of `contents` in the form that tensors have.
fn typed_data(
    input: &InferInputTensor,
    data_type: DataType,
    contents: &InferTensorContents,
    model: &str,
) -> Result<Bytes, InferError> {
    let (name, type_name) = (&input.name, data_type.name());
    let used = elements_of(contents, data_type);
    if used != elements_of_all(contents) {
        return Err(InferError::Invalid(format!(
            "unexpected explicit tensor data for input tensor '{name}' for model '{model}' of type \
             '{type_name}', in the contents of another type"
        )));
    }
    bytes_of_type(contents, data_type).map(Bytes::from).ok_or_else(|| {
        InferError::Invalid(format!(
            "contents of input tensor '{name}' for model '{model}' cannot be {type_name}: send it \
             in raw_input_contents"
        ))
    })
}

/// How many elements are in the field that is for this type.
fn elements_of(contents: &InferTensorContents, data_type: DataType) -> usize {
    match data_type {
        DataType::Bool => contents.bool_contents.len(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => contents.int_contents.len(),
        DataType::Int64 => contents.int64_contents.len(),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => contents.uint_contents.len(),
        DataType::Uint64 => contents.uint64_contents.len(),
        DataType::Fp32 => contents.fp32_contents.len(),
        DataType::Fp64 => contents.fp64_contents.len(),
        DataType::Bytes => contents.bytes_contents.len(),
        DataType::Fp16 | DataType::Bf16 => 0,
    }
}

fn elements_of_all(contents: &InferTensorContents) -> usize {
    // One type for each field.
    [
        DataType::Bool,
        DataType::Int32,
        DataType::Int64,
        DataType::Uint32,
        DataType::Uint64,
        DataType::Fp32,
        DataType::Fp64,
        DataType::Bytes,
    ]
    .map(|data_type| elements_of(contents, data_type))
    .iter()
    .sum()
}

/// The bytes of a tensor. Small integers come as 32 bits and must fit their type; `None` if they
/// do not, and for types that have no field.
fn bytes_of_type(contents: &InferTensorContents, data_type: DataType) -> Option<Vec<u8>> {
    let (ints, uints) = (&contents.int_contents, &contents.uint_contents);
    match data_type {
        DataType::Bool => Some(contents.bool_contents.iter().copied().map(u8::from).collect()),
        DataType::Int8 => narrow(ints, |value| i8::try_from(value).map(i8::to_le_bytes)),
        DataType::Int16 => narrow(ints, |value| i16::try_from(value).map(i16::to_le_bytes)),
        DataType::Int32 => Some(bytes_of(ints, i32::to_le_bytes)),
        DataType::Int64 => Some(bytes_of(&contents.int64_contents, i64::to_le_bytes)),
        DataType::Uint8 => narrow(uints, |value| u8::try_from(value).map(u8::to_le_bytes)),
        DataType::Uint16 => narrow(uints, |value| u16::try_from(value).map(u16::to_le_bytes)),
        DataType::Uint32 => Some(bytes_of(uints, u32::to_le_bytes)),
        DataType::Uint64 => Some(bytes_of(&contents.uint64_contents, u64::to_le_bytes)),
        DataType::Fp32 => Some(bytes_of(&contents.fp32_contents, f32::to_le_bytes)),
        DataType::Fp64 => Some(bytes_of(&contents.fp64_contents, f64::to_le_bytes)),
        DataType::Bytes => framed(&contents.bytes_contents),
        DataType::Fp16 | DataType::Bf16 => None,
    }
}

fn bytes_of<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

/// `None` when a value does not fit.
fn narrow<T: Copy, const N: usize, E>(
    values: &[T],
    bytes: impl Fn(T) -> Result<[u8; N], E>,
) -> Option<Vec<u8>> {
    let narrowed: Option<Vec<_>> = values.iter().map(|&value| bytes(value).ok()).collect();
    Some(narrowed?.concat())
}

fn framed(strings: &[Bytes]) -> Option<Vec<u8>> {
    let mut framed = Vec::new();
    for string in strings {
        framed.extend_from_slice(&u32::try_from(string.len()).ok()?.to_le_bytes());
        framed.extend_from_slice(string);
    }
    Some(framed)
}

/// The client's parameters, and among them how long it will wait, in microseconds.
fn parameters(
    asked: BTreeMap<String, InferParameter>,
) -> Result<(Parameters, Option<Duration>), InferError> {
    let mut parameters = Parameters::new();
    let mut timeout = None;
    for (name, value) in asked {
        let value = match value.parameter_choice {
            Some(ParameterChoice::BoolParam(value)) => Parameter::Bool(value),
            Some(ParameterChoice::Int64Param(value)) => Parameter::Int(value),
            Some(ParameterChoice::StringParam(value)) => Parameter::Text(value),
            Some(ParameterChoice::DoubleParam(value)) => Parameter::Double(value),
            Some(ParameterChoice::Uint64Param(value)) => {
                Parameter::Int(i64::try_from(value).map_err(|_| wrong_type(&name))?)
            }
            None => return Err(wrong_type(&name)),
        };
        if name.starts_with("triton_") {
            return Err(InferError::Invalid(
                "Only the following keys starting with 'triton_' are allowed: \
                 triton_enable_empty_final_response"
                    .to_owned(),
            ));
        }
        if name == "timeout" {
            timeout = inference::timeout(&value)?;
        } else {
            parameters.insert(name, value);
        }
    }
    Ok((parameters, timeout))
}

fn wrong_type(name: &str) -> InferError {
    InferError::Invalid(format!("invalid value type for '{name}' parameter"))
}

fn encode(
    model: &str,
    version: u64,
    id: &str,
    inferred: Inferred,
) -> Result<ModelInferResponse, InferError> {
    let mut outputs = Vec::with_capacity(inferred.outputs.len());
    let mut raw = Vec::with_capacity(inferred.outputs.len());
    for (name, tensor) in inferred.outputs {
        let shape = tensor.shape().iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX));
        outputs.push(InferOutputTensor {
            name: name.to_string(),
            datatype: tensor.data_type().name().to_owned(),
            shape: shape.collect(),
            ..InferOutputTensor::default()
        });
        raw.push(tensor.host_bytes().ok_or_else(|| {
            InferError::Backend(format!("output '{name}' is not on the host").into())
        })?);
    }
    Ok(ModelInferResponse {
        model_name: model.to_owned(),
        model_version: version.to_string(),
        id: id.to_owned(),
        parameters: BTreeMap::new(),
        outputs,
        raw_output_contents: raw,
    })
}

#[cfg(test)]
mod tests;
