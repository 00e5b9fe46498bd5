//! Inference over HTTP: the JSON, then [`SEPARATOR`], then the binary tensors, if there are any.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::tensor::Tensor;
use nereid_proto::http::{Encoded, InferResponse, decode, encode};
use nereid_proto::infer::{Data, InferRequest, LIST_LENGTH_MAX};
use nereid_proto::inference::infer_parameter::ParameterChoice;
use nereid_proto::inference::model_infer_request::InferInputTensor;
use nereid_proto::inference::{InferParameter, ModelInferRequest};

use super::tensor;
use crate::memory::bounded;

/// Ends the JSON, which cannot have this byte.
const SEPARATOR: u8 = 0x1E;

/// What reading takes for each byte: an axis of two bytes is eight in memory twice, and lists grow
/// by doubling.
const BYTES_PER_BYTE: usize = 64;

pub(super) fn run(data: &[u8]) {
    let header_length = data.iter().position(|&byte| byte == SEPARATOR);
    let (header, binary) = data.split_at(header_length.unwrap_or(data.len()));
    let body = Bytes::from([header, binary.get(1..).unwrap_or_default()].concat());
    let bytes_max = BYTES_PER_BYTE * body.len() + 4096;
    let request = match bounded(bytes_max, || decode(&body, header_length, "m")) {
        Ok(request) => request,
        Err(error) => return check_error(&error.to_string(), header),
    };
    let InferRequest { inputs, outputs, parameters, .. } = &request;
    assert!(inputs.len().max(outputs.len()).max(parameters.len()) <= LIST_LENGTH_MAX);
    let sent = inputs.iter().filter(|input| matches!(input.data, Data::Sent(_)));
    let tensors: Vec<_> = sent.map(|input| (input, tensor(input))).collect();
    // What was read from JSON is a tensor; binary data may be anything.
    let is_json = header_length.is_none();
    assert!(tensors.iter().all(|(_, tensor)| !is_json || tensor.is_some()), "{inputs:?}");
    let named = tensors.into_iter().filter_map(|(input, tensor)| Some((&*input.name, tensor?)));
    let named: Vec<_> = named.map(|(name, tensor)| (Arc::from(name), tensor)).collect();
    check_binary(&request.id, &named);
    check_json(&request.id, &named);
    check_grpc(&request);
}

/// An offset in an error's text is one of the JSON's.
pub(super) fn check_error(text: &str, json: &[u8]) {
    if text.starts_with("failed to parse the request JSON buffer: ") {
        let offset = text.rsplit(' ').next().and_then(|offset| offset.parse().ok());
        let offset: usize = offset.expect("an offset at the end");
        assert!(offset <= json.len(), "{text}");
    }
    // Names are quoted, and a byte that is not UTF-8 becomes three.
    assert!(text.len() <= 4 * json.len() + 1000, "{text}");
}

/// What was sent as binary data comes out as it went in.
fn check_binary(id: &str, tensors: &[(Arc<str>, Tensor)]) {
    let encoded = encoded(id, tensors, |_| true).expect("every tensor has a binary form");
    let again = as_request(id, &encoded);
    for ((name, tensor), input) in tensors.iter().zip(&again.inputs) {
        assert_eq!((&**name, Some(tensor.data_type())), (&*input.name, input.data_type));
        assert_eq!(tensor.host(), Some(&**input.sent()));
        let shape = super::tensor(input).map(|tensor| tensor.shape().to_vec());
        assert_eq!(Some(tensor.shape()), shape.as_deref());
    }
    assert_eq!((again.id.as_str(), again.inputs.len()), (id, tensors.len()));
}

/// Whatever has a form in JSON has the same one when it was read.
fn check_json(id: &str, tensors: &[(Arc<str>, Tensor)]) {
    let has_form = |tensor: &Tensor| encoded(id, &[("".into(), tensor.clone())], |_| false).is_ok();
    for (_, tensor) in tensors.iter().filter(|(_, tensor)| !has_form(tensor)) {
        let data_type = tensor.data_type();
        assert!(matches!(data_type, DataType::Fp16 | DataType::Bf16 | DataType::Bytes));
    }
    let encode = |tensors: &[(Arc<str>, Tensor)]| encoded(id, tensors, |tensor| !has_form(tensor));
    let first = encode(tensors).expect("the form was chosen by what there is");
    let again = as_request(id, &first);
    let named = again.inputs.iter().map(|input| (Arc::from(&*input.name), tensor(input).unwrap()));
    let second = encode(&named.collect::<Vec<_>>()).expect("it is the same");
    assert_eq!(first.header, second.header);
}

fn encoded(
    id: &str,
    tensors: &[(Arc<str>, Tensor)],
    is_binary: impl Fn(&Tensor) -> bool,
) -> Result<Encoded, String> {
    let outputs = tensors.iter().map(|(name, tensor)| {
        let is_binary = is_binary(tensor);
        (name.clone(), tensor.clone(), is_binary)
    });
    let outputs: Vec<_> = outputs.collect();
    let response = InferResponse { id, model: "m", version: 1, outputs: &outputs, placed: &[] };
    encode(&response).map_err(|error| error.to_string())
}

/// Reads a response as if it were a request: its outputs have the form of inputs.
fn as_request(id: &str, response: &Encoded) -> InferRequest {
    let json = std::str::from_utf8(&response.header).expect("JSON is UTF-8");
    let json = json.replacen(",\"outputs\":[", ",\"inputs\":[", 1);
    let body = [json.as_bytes(), &response.binary.concat()].concat();
    decode(&body.into(), Some(json.len()), "m")
        .unwrap_or_else(|error| panic!("{error}: {json}, with the id {id:?}"))
}

/// How gRPC says where an input lies, if it is not sent.
fn region_parameters(data: &Data) -> BTreeMap<String, InferParameter> {
    let Data::Shared(part) = data else { return BTreeMap::new() };
    let choices = [
        ("shared_memory_region", ParameterChoice::StringParam(part.region.to_string())),
        ("shared_memory_offset", ParameterChoice::Uint64Param(part.offset)),
        ("shared_memory_byte_size", ParameterChoice::Uint64Param(part.size_bytes)),
    ];
    let parameter = |choice| InferParameter { parameter_choice: Some(choice) };
    choices.map(|(name, choice)| (name.to_owned(), parameter(choice))).into()
}

/// The same request is the same over gRPC.
fn check_grpc(request: &InferRequest) {
    let described = request.inputs.iter().map(|input| InferInputTensor {
        name: input.name.clone(),
        datatype: input.data_type.map(DataType::name).unwrap_or_default().to_owned(),
        shape: input.shape.clone(),
        parameters: region_parameters(&input.data),
        ..InferInputTensor::default()
    });
    let sent = request.inputs.iter().filter(|input| matches!(input.data, Data::Sent(_)));
    let message = ModelInferRequest {
        inputs: described.collect(),
        raw_input_contents: sent.map(|input| input.sent().clone()).collect(),
        ..ModelInferRequest::default()
    };
    let decoded = nereid_proto::grpc::decode(message).expect("it was a request over HTTP");
    assert_eq!(decoded.inputs, request.inputs);
}
