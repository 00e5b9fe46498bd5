//! Inference over HTTP: receive, decode, run, encode.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::request::Response as Inferred;
use nereid_backend::spec::{Dim, ModelSpec};
use nereid_proto::http::{
    Encoded, HEADER_LENGTH, InferRequest, InferResponse, RequestedOutput, decode, encode,
    wrong_header_length,
};

use crate::admission::{Ask, AskedInput};
use crate::budget::Lease;
use crate::http::body::{Received, discard, receive};
use crate::http::failure;
use crate::http::models::Path;
use crate::inference;
use crate::registry::Target;
use crate::server::Server;

/// JSON up to this size is read and written where it is; more would hold up others that share the
/// thread, so it goes to a thread of its own.
const INLINE_BYTES_MAX: usize = 64 << 10;

pub(super) async fn infer(
    State(server): State<Arc<Server>>,
    path: Path,
    headers: HeaderMap,
    mut body: Body,
) -> Response {
    let Path(target) = path;
    match answer(&server, &target, &headers, &mut body).await {
        Ok(response) => response,
        Err(failed) => {
            // A client that waits for leave to send has not sent, and need not.
            if !headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            failure(&failed)
        }
    }
}

async fn answer(
    server: &Server,
    target: &Target,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Response, InferError> {
    let found = server.models.find(target)?;
    let spec = found.served.definition.spec.clone();
    let header_length = header_length(headers)?;
    let received = receive(server, headers, body, header_length.unwrap_or(0)).await?;
    let asked = read(&spec, received, header_length, wants_json(headers)).await?;
    let id = asked.ask.id.clone();
    let inferred = inference::infer(target, found, asked.ask).await;
    let inferred = inferred.inspect_err(|failed| inference::log_failure(target, &id, failed))?;
    let wanted = asked.wanted;
    let spec = &inferred.served.definition.spec;
    let model = (spec.name.clone(), spec.version);
    let inferred = inferred.response;
    let size: usize = inferred.outputs.iter().map(|(_, tensor)| tensor.size_bytes()).sum();
    let encoded = off_worker(size, move || write(&model, &id, inferred, &wanted)).await?;
    let mut lease = server.budget.lease();
    lease.grow(encoded.header.len() + encoded.binary.iter().map(Bytes::len).sum::<usize>());
    Ok(respond(encoded, lease))
}

/// A request, and in which form its outputs are wanted.
struct Asked {
    ask: Ask,
    wanted: Wanted,
}

/// In which form outputs are wanted.
enum Wanted {
    /// All of them as binary data, or as JSON.
    All(bool),
    /// Each that was named; the first mention counts.
    Named(Vec<RequestedOutput>),
}

impl Wanted {
    fn is_binary(&self, name: &str) -> bool {
        match self {
            Self::All(is_binary) => *is_binary,
            Self::Named(named) => {
                named.iter().find(|output| *output.name == *name).is_some_and(|it| it.is_binary)
            }
        }
    }
}

/// What [`HEADER_LENGTH`] says; `None` if it says nothing. As Triton reads it, a text that is no
/// number is 0.
fn header_length(headers: &HeaderMap) -> Result<Option<usize>, InferError> {
    let Some(value) = headers.get(HEADER_LENGTH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    match text.parse::<i64>() {
        Ok(length) => match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(wrong_header_length(text, body_length(headers))),
        },
        Err(_) => Ok(Some(0)),
    }
}

fn body_length(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

async fn read(
    spec: &ModelSpec,
    received: Received,
    header_length: Option<usize>,
    wants_json: bool,
) -> Result<Asked, InferError> {
    let body = received.bytes();
    if header_length == Some(0) || body.is_empty() {
        let ask = raw(spec, &received)?;
        return Ok(Asked { ask, wanted: Wanted::All(!wants_json) });
    }
    let model = spec.name.clone();
    let json_bytes = header_length.unwrap_or(body.len());
    off_worker(json_bytes, move || decode(&body, header_length, &model).and_then(ask)).await
}

fn ask(request: InferRequest) -> Result<Asked, InferError> {
    let mut parameters = request.parameters;
    let timeout =
        parameters.remove("timeout").as_ref().map(inference::timeout).transpose()?.flatten();
    let outputs = request.outputs.iter().map(|output| output.name.clone()).collect();
    let wanted = if request.outputs.is_empty() {
        Wanted::All(request.is_output_binary)
    } else {
        Wanted::Named(request.outputs)
    };
    let inputs = request.inputs.into_iter().map(|input| AskedInput {
        name: input.name,
        data_type: input.data_type,
        shape: input.shape,
        data: input.data,
    });
    let ask = Ask {
        id: request.id.into(),
        inputs: inputs.collect(),
        outputs,
        parameters,
        timeout,
        hold: None,
    };
    Ok(Asked { ask, wanted })
}

/// Whether the client says that it wants JSON and nothing else. Triton answers a raw request with
/// binary data whatever it says, but who sends a file with `curl` would like to read the answer.
fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json")
}

/// A request whose whole body is the one input's data; its shape follows from its size. So
/// `curl --data-binary` can send a file.
fn raw(spec: &ModelSpec, received: &Received) -> Result<Ask, InferError> {
    let invalid = |text: String| InferError::Invalid(id_prefix("") + &text);
    let [input] = spec.signature.inputs.as_slice() else {
        return Err(invalid(format!(
            "Raw request must only have 1 input (found 1) to be deduced but got {} inputs in '{}' \
             model configuration",
            spec.signature.inputs.len(),
            spec.name
        )));
    };
    let mut shape = Vec::new();
    shape.extend(spec.is_batched.then_some(1));
    let data = match input.data_type.size_bytes() {
        None if input.dims == [Dim::Fixed(1)] => {
            shape.push(1);
            received.as_element()
        }
        None => {
            let name = &input.name;
            let text = format!(
                "For BYTE datatype raw input '{name}', the model must have input shape [1]"
            );
            return Err(invalid(text));
        }
        Some(size) => {
            let data = received.bytes();
            let deduced = deduce(&input.dims, data.len() / size).ok_or_else(|| {
                let (name, bytes) = (&input.name, data.len());
                invalid(format!(
                    "the shape of raw input '{name}' cannot be deduced from {bytes} bytes: its \
                     configuration has dims {:?}",
                    input.dims.iter().map(|dim| dim.to_wire()).collect::<Vec<_>>()
                ))
            })?;
            shape.extend(deduced);
            data
        }
    };
    let (name, data_type) = (input.name.to_string(), input.data_type);
    let inputs = vec![AskedInput { name, data_type, shape, data }];
    Ok(Ask { inputs, ..Ask::default() })
}

/// The shape of that many elements, if at most one axis is open.
fn deduce(dims: &[Dim], elements: usize) -> Option<Vec<usize>> {
    let fixed = dims.iter().try_fold(1usize, |product, dim| match dim {
        Dim::Any => Some(product),
        Dim::Fixed(size) => product.checked_mul(*size),
    })?;
    let open = dims.iter().filter(|dim| **dim == Dim::Any).count();
    if open > 1 || fixed == 0 {
        return None;
    }
    let sizes = dims.iter().map(|dim| match dim {
        Dim::Any => elements / fixed,
        Dim::Fixed(size) => *size,
    });
    Some(sizes.collect())
}

fn write(
    model: &(Arc<str>, u64),
    id: &str,
    inferred: Inferred,
    wanted: &Wanted,
) -> Result<Encoded, InferError> {
    let outputs: Vec<_> = inferred
        .outputs
        .into_iter()
        .map(|(name, tensor)| {
            let is_binary = wanted.is_binary(&name);
            (name, tensor, is_binary)
        })
        .collect();
    encode(&InferResponse { id, model: &model.0, version: model.1, outputs: &outputs })
}

/// Does `work` that takes time with `size` here, or on a thread of its own.
async fn off_worker<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T, InferError> + Send + 'static,
) -> Result<T, InferError> {
    if size <= INLINE_BYTES_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(InferError::Abandoned))
}

fn respond(encoded: Encoded, lease: Lease) -> Response {
    let (is_binary, length) = (!encoded.binary.is_empty(), encoded.header.len());
    let mut parts = encoded.binary;
    parts.insert(0, encoded.header);
    parts.reverse();
    let mut response = Response::new(Body::new(Parts { parts, _lease: lease }));
    let headers = response.headers_mut();
    let media = if is_binary { "application/octet-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if is_binary {
        headers.insert(HEADER_LENGTH, HeaderValue::from(length));
    }
    response
}

/// A body in parts, which go out as they are, the last of the list first. What it holds counts as
/// in flight until it was sent.
struct Parts {
    parts: Vec<Bytes>,
    _lease: Lease,
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.parts.pop().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let size: usize = self.parts.iter().map(Bytes::len).sum();
        SizeHint::with_exact(size as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_shape_follows_from_its_size() {
        let check = |dims: &[i64], elements: usize, expected: Option<&[usize]>| {
            let dims: Vec<_> = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
            assert_eq!(deduce(&dims, elements).as_deref(), expected, "{dims:?}");
        };
        check(&[-1], 7, Some(&[7]));
        check(&[2, -1], 6, Some(&[2, 3]));
        check(&[2, -1], 7, Some(&[2, 3])); // Admission finds that the size does not fit.
        check(&[2, 3], 1, Some(&[2, 3]));
        check(&[-1, -1], 6, None);
        check(&[], 1, Some(&[]));
    }

    #[test]
    fn a_header_length_is_read_as_triton_reads_it() {
        let check = |text: &str, expected: Result<usize, &str>| {
            let headers = HeaderMap::from_iter([
                (HEADER_LENGTH.parse().unwrap(), text.parse().unwrap()),
                (header::CONTENT_LENGTH, "338".parse().unwrap()),
            ]);
            let length = header_length(&headers).map_err(|error| error.to_string());
            assert_eq!(length, expected.map(Some).map_err(str::to_owned), "{text}");
        };
        check("12", Ok(12));
        check("x", Ok(0));
        check("-1", Err("inference header size should be in range (0, 338), got: -1"));
        assert_eq!(header_length(&HeaderMap::new()).unwrap(), None);
    }
}
