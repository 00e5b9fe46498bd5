//! Inference over HTTP: receive, decode, run, encode.

mod raw;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::spec::ModelSpec;
use nereid_backend::tensor::Tensor;
use nereid_proto::http::{Encoded, InferResponse, decode, encode, wrong_header_length};
use nereid_proto::infer::{InferRequest, NamedOutput};

use crate::admission::{Ask, ask};
use crate::budget::Lease;
use crate::http::body::{Received, declared_length, decompress, receive, refuse};
use crate::http::coding::{self, Coding};
use crate::http::models::Path;
use crate::http::parts::respond;
use crate::http::{HEADER_LENGTH, error, failure};
use crate::inference;
use crate::off_worker::off_worker;
use crate::registry::Target;
use crate::server::Server;

pub(super) async fn infer(
    State(server): State<Arc<Server>>,
    Path(target): Path,
    request: Request,
) -> Response {
    let (parts, mut body) = request.into_parts();
    let headers = parts.headers;
    let refused = match Coding::of_request(&headers) {
        None => unknown_coding(),
        Some(coding) => match answer(&server, &target, &headers, (&mut body, coding)).await {
            Ok(response) => return response,
            Err(failed) => failure(&failed),
        },
    };
    refuse(&headers, body).await;
    refused
}

/// The answer to a body in a coding that is none of ours; the text is Triton's.
fn unknown_coding() -> Response {
    let mut refused = error(StatusCode::NOT_IMPLEMENTED, "Unsupported compression type");
    let accepted = HeaderValue::from_static(coding::ACCEPTED);
    refused.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    refused
}

async fn answer(
    server: &Server,
    target: &Target,
    headers: &HeaderMap,
    (body, coding): (&mut Body, Coding),
) -> Result<Response, InferError> {
    let _place = server.admit()?;
    let found = server.models.find(target)?;
    let spec = found.served.definition.spec.clone();
    let declared = declared_length(headers);
    let header_length = header_length(headers, declared)?;
    let json_bytes = header_length.unwrap_or(0);
    let received = receive(server, body, declared, json_bytes).await?;
    let received = decompress(server, received, coding, json_bytes).await?;
    let Asked { ask, form } = read(&spec, received, header_length, wants_json(headers)).await?;
    let id = ask.id.clone();
    let inferred = inference::infer(&server.regions, target, found, ask).await;
    let inferred = inferred.inspect_err(|failed| inference::log_failure(target, &id, failed))?;
    let spec = &inferred.served.definition.spec;
    let model = (spec.name.clone(), spec.version);
    let (outputs, placed) = (inferred.response.outputs, inferred.placed);
    let size = form.json_bytes(&outputs);
    let encoded = off_worker(size, move || write(&model, &id, (outputs, placed), &form)).await?;
    respond(encoded, Coding::of_response(headers), &server.budget).await
}

/// A request, and in which form its outputs are wanted.
struct Asked {
    ask: Ask,
    form: OutputForm,
}

impl Asked {
    fn new(request: InferRequest, lease: Lease) -> Result<Self, InferError> {
        let form = OutputForm::of(&request);
        Ok(Self { ask: ask(request, Some(Arc::new(lease)))?, form })
    }
}

/// In which form outputs are wanted.
enum OutputForm {
    /// All of them as binary data, or as JSON.
    All(bool),
    /// Each that was named; the first mention counts.
    Named(Vec<NamedOutput>),
}

impl OutputForm {
    fn of(request: &InferRequest) -> Self {
        if request.outputs.is_empty() {
            Self::All(request.is_output_binary)
        } else {
            Self::Named(request.outputs.clone())
        }
    }

    fn is_binary(&self, name: &str) -> bool {
        match self {
            Self::All(is_binary) => *is_binary,
            Self::Named(named) => {
                named.iter().find(|output| *output.name == *name).is_some_and(|it| it.is_binary)
            }
        }
    }

    /// Bytes of the tensors that become JSON; binary ones are only handed on.
    fn json_bytes(&self, outputs: &Tensors) -> usize {
        let json = outputs.iter().filter(|(name, _)| !self.is_binary(name));
        json.map(|(_, tensor)| tensor.size_bytes()).sum()
    }
}

/// What [`HEADER_LENGTH`] says; `None` if it says nothing. As Triton reads it, a text that is no
/// number is 0.
fn header_length(headers: &HeaderMap, body_length: usize) -> Result<Option<usize>, InferError> {
    let Some(value) = headers.get(HEADER_LENGTH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    match text.parse::<i64>() {
        Ok(length) => match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(wrong_header_length(text, body_length)),
        },
        Err(_) => Ok(Some(0)),
    }
}

/// Whether the client says that it wants JSON and nothing else. Triton answers a raw request with
/// binary data whatever it says, but who sends a file with `curl` would like to read the answer.
fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json")
}

async fn read(
    spec: &ModelSpec,
    received: Received,
    header_length: Option<usize>,
    wants_json: bool,
) -> Result<Asked, InferError> {
    let body = received.bytes();
    if header_length == Some(0) || body.is_empty() {
        let request = raw::request(spec, &received, wants_json)?;
        return Asked::new(request, received.lease);
    }
    let model = spec.name.clone();
    let json_bytes = header_length.unwrap_or(body.len());
    // The lease goes along: if the client goes away now, the work is done all the same.
    off_worker(json_bytes, move || {
        let request = decode(&body, header_length, &model)?;
        let lease = received.lease;
        lease.try_grow(written_bytes(&request, body.len().saturating_sub(json_bytes)))?;
        Asked::new(request, lease)
    })
    .await
}

/// The bytes of inputs that were written from JSON, which may be many times its size; the others
/// are shares of the `binary_bytes` behind it.
fn written_bytes(request: &InferRequest, binary_bytes: usize) -> usize {
    let all: usize = request.inputs.iter().map(|input| input.sent().len()).sum();
    all.saturating_sub(binary_bytes)
}

fn write(
    model: &(Arc<str>, u64),
    id: &str,
    (outputs, placed): (Tensors, Vec<Arc<str>>),
    form: &OutputForm,
) -> Result<Encoded, InferError> {
    let formed = |(name, tensor): (Arc<str>, Tensor)| {
        let is_binary = form.is_binary(&name);
        (name, tensor, is_binary)
    };
    let outputs: Vec<_> = outputs.into_iter().map(formed).collect();
    encode(&InferResponse {
        id,
        model: &model.0,
        version: model.1,
        outputs: &outputs,
        placed: &placed,
    })
}

#[cfg(test)]
mod tests;
