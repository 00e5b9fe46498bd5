//! Receives a request's body into one buffer, which is not copied after that.
//!
//! The buffer is placed so that the tensors after the JSON header start aligned, with room before
//! it for the length that makes the whole body one BYTES element. A body that does not declare its
//! size may outgrow the buffer; that moves it, and it stays aligned only as the allocator does it.

mod decompress;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use nereid_backend::error::InferError;
use nereid_backend::tensor::PREFIX_BYTES;
use tokio::time::{timeout, timeout_at};

use crate::budget::Lease;
use crate::http::failure;
use crate::pause::Pace;
use crate::server::Server;

pub use decompress::decompress;

/// Tensors start at a multiple of this, which is enough for every instruction set.
const ALIGNMENT: usize = 64;

/// How long what remains of a refused request is read.
const DISCARD_MAX: Duration = Duration::from_secs(5);

/// A body in memory.
pub struct Received {
    buffer: Bytes,
    start: usize,
    /// By which it counts as in flight.
    pub lease: Lease,
}

impl Received {
    /// The body.
    pub fn bytes(&self) -> Bytes {
        self.buffer.slice(self.start..)
    }

    /// The body as one element of a BYTES tensor: after its length.
    pub fn as_element(&self) -> Bytes {
        self.buffer.slice(self.start - PREFIX_BYTES..)
    }
}

/// The body of a request that is not inference. What is left of one that is refused is read, too.
impl FromRequest<Arc<Server>> for Received {
    type Rejection = Response;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, Response> {
        let (parts, mut body) = request.into_parts();
        let declared = declared_length(&parts.headers);
        match receive(server, &mut body, declared, 0).await {
            Ok(received) => Ok(received),
            Err(failed) => {
                refuse(&parts.headers, body).await;
                Err(failure(&failed))
            }
        }
    }
}

/// The length that the client declares for the body, 0 if it does not.
pub(super) fn declared_length(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Reads the whole `body`, which has the length that was `declared`, if one was; its first
/// `header_length` bytes are JSON.
///
/// # Errors
/// When it is larger than the server admits, or breaks off, or comes too slowly.
pub async fn receive(
    server: &Server,
    body: &mut Body,
    declared: usize,
    header_length: usize,
) -> Result<Received, InferError> {
    let mut filling = Filling::new(server, declared, header_length)?;
    let mut pace = Pace::start();
    while let Some(data) = next_data(body, &mut pace).await? {
        filling.push(&data)?;
    }
    Ok(filling.finish())
}

/// Reads what is left of the body of a refused request, and keeps nothing. Most clients send all
/// before they read the answer: to one whose connection is closed under it, the answer is lost, and
/// all that it reports is a broken pipe. One that waits for leave to send has not sent, and need
/// not.
pub(super) async fn refuse(headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let mut pace = Pace::start();
    let rest = async { while let Ok(Some(_)) = next_data(&mut body, &mut pace).await {} };
    let _slow = timeout(DISCARD_MAX, rest).await;
}

/// A body of which more is to come.
struct Filling {
    buffer: BytesMut,
    start: usize,
    lease: Lease,
    size_bytes_max: usize,
}

impl Filling {
    /// Room for a body of the length that was `declared`, if one was. A body that would not fit is
    /// refused before it is sent, but it counts as it comes: who declares much and sends little
    /// takes little.
    fn new(server: &Server, declared: usize, header_length: usize) -> Result<Self, InferError> {
        let size_bytes_max = server.input_bytes_max;
        check_size(declared, size_bytes_max)?;
        let lease = server.budget.lease();
        lease.check(declared)?;
        // The system gives pages to what is written, not to what is reserved.
        let mut buffer = BytesMut::with_capacity(declared + PREFIX_BYTES + ALIGNMENT);
        let start = aligned_start(&buffer, header_length);
        buffer.put_bytes(0, start);
        Ok(Self { buffer, start, lease, size_bytes_max })
    }

    /// How much has come.
    fn size_bytes(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn push(&mut self, data: &[u8]) -> Result<(), InferError> {
        let size = self.size_bytes() + data.len();
        check_size(size, self.size_bytes_max)?;
        self.lease.try_grow(data.len())?;
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn finish(mut self) -> Received {
        let size = u32::try_from(self.size_bytes()).unwrap_or(u32::MAX);
        let start = self.start;
        self.buffer[start - PREFIX_BYTES..start].copy_from_slice(&size.to_le_bytes());
        Received { buffer: self.buffer.freeze(), start, lease: self.lease }
    }
}

fn check_size(size: usize, most: usize) -> Result<(), InferError> {
    if size <= most {
        return Ok(());
    }
    Err(InferError::TooLarge(format!(
        "the request has {size} bytes or more, this server admits {most} (--http-max-input-size)"
    )))
}

async fn next_data(body: &mut Body, pace: &mut Pace) -> Result<Option<Bytes>, InferError> {
    loop {
        let frame = timeout_at(pace.deadline(), body.frame()).await;
        let frame = frame.map_err(|_| pace.missed())?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => {
                return Err(InferError::Invalid(format!("the request's body broke off: {error}")));
            }
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    pace.pass(data.len());
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Where the body must start so that what follows its header is aligned, and the prefix fits.
fn aligned_start(buffer: &BytesMut, header_length: usize) -> usize {
    // A client may claim any length; what wraps around is a multiple of the alignment.
    let after_header = (buffer.as_ptr().addr() + PREFIX_BYTES).wrapping_add(header_length);
    PREFIX_BYTES + after_header.wrapping_neg() % ALIGNMENT
}

#[cfg(test)]
mod tests;
