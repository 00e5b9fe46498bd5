//! Inference over gRPC: one message.

use bytes::Bytes;
use nereid_backend::tensor::{Storage, Tensor};
use nereid_proto::grpc::{check_lists, decode, encode, rewritten_bytes};
use nereid_proto::infer::{InferRequest, LIST_LENGTH_MAX};
use nereid_proto::inference::ModelInferRequest;
use prost::Message;

use super::tensor;
use crate::memory::bounded;

/// What decoding takes for each byte: a string of two bytes is 32 in memory, a parameter of six is
/// 100, and lists grow by doubling.
const BYTES_PER_BYTE: usize = 64;

/// What the lists take that were measured before, once they are as long as they may be.
const LISTS_BYTES_MAX: usize = 1 << 20;

pub(super) fn run(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    if check_lists(&data).is_err() {
        return;
    }
    let bytes_max = BYTES_PER_BYTE * data.len() + LISTS_BYTES_MAX;
    let Ok(message) = bounded(bytes_max, || ModelInferRequest::decode(data)) else { return };
    let encoded = message.encode_to_vec();
    let again = ModelInferRequest::decode(&*encoded).expect("it was written by prost");
    assert_eq!(again.encode_to_vec(), encoded);
    let rewritten = rewritten_bytes(&message);
    let is_typed = message.raw_input_contents.is_empty();
    // Names are moved; a byte string is written before its length is known to be right.
    let bytes_max = 2 * rewritten + BYTES_PER_BYTE * encoded.len() + LISTS_BYTES_MAX;
    let Ok(request) = bounded(bytes_max, || decode(again)) else { return };
    let InferRequest { inputs, outputs, .. } = &request;
    assert!(inputs.len().max(outputs.len()) <= LIST_LENGTH_MAX);
    if is_typed {
        check_typed(&message, &request, rewritten);
    }
    check_response(&request);
}

/// Typed contents become as many elements of their type as there are, in no more bytes than were
/// counted.
fn check_typed(message: &ModelInferRequest, request: &InferRequest, rewritten: usize) {
    let written: usize = request.inputs.iter().map(|input| input.sent().len()).sum();
    assert!(written <= rewritten, "{written} > {rewritten}");
    for (input, sent) in request.inputs.iter().zip(&message.inputs) {
        let (Some(data_type), Some(contents)) = (input.data_type, &sent.contents) else { continue };
        let count = match data_type.size_bytes() {
            Some(size) => input.sent().len() / size,
            None => contents.bytes_contents.len(),
        };
        let made = Tensor::new(data_type, vec![count], Storage::Host(input.sent().clone()));
        made.unwrap_or_else(|error| panic!("{error}: {input:?}"));
    }
}

/// What came can be sent back.
fn check_response(request: &InferRequest) {
    let named = request.inputs.iter().filter_map(|input| Some((&*input.name, tensor(input)?)));
    let outputs: Vec<_> = named.map(|(name, tensor)| (name.into(), tensor)).collect();
    let response = encode(&request.id, "m", 1, &outputs, &[]).expect("all are on the host");
    assert_eq!(response.outputs.len(), outputs.len());
    for ((_, tensor), raw) in outputs.iter().zip(&response.raw_output_contents) {
        assert_eq!(tensor.host(), Some(&**raw));
    }
}
