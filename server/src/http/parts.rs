//! The body of an answer: the parts that the codec made, each sent as it is.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use nereid_proto::http::{Encoded, HEADER_LENGTH};

use crate::budget::Lease;

/// The answer that sends `encoded`, which counts as in flight by `lease` until it was sent.
pub(super) fn respond(encoded: Encoded, lease: Lease) -> Response {
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

/// A body in parts, the last of the list first.
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
