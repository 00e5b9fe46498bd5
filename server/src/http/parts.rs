//! The body of an answer: the parts that the codec made, each sent as it is, or all compressed.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::{Frame, SizeHint};
use nereid_backend::error::InferError;
use nereid_proto::http::Encoded;

use crate::budget::{Budget, Lease};
use crate::http::HEADER_LENGTH;
use crate::http::coding::Coding;
use crate::off_worker::off_worker;

/// The answer that sends `encoded` in this `coding`, and counts as in flight until it was sent.
///
/// # Errors
/// [`InferError::Abandoned`] when compressing panics.
pub(super) async fn respond(
    encoded: Encoded,
    coding: Coding,
    budget: &Budget,
) -> Result<Response, InferError> {
    let (is_binary, length) = (!encoded.binary.is_empty(), encoded.header.len());
    let mut parts = encoded.binary;
    parts.insert(0, encoded.header);
    let mut lease = lease(budget, &parts);
    if coding != Coding::Identity {
        let compressed = off_worker(size(&parts), move || compress(&parts, coding)).await?;
        parts = vec![compressed.into()];
        lease = self::lease(budget, &parts);
    }
    parts.reverse();
    let mut response = Response::new(Body::new(Parts { parts, _lease: lease }));
    let headers = response.headers_mut();
    let media = if is_binary { "application/octet-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if is_binary {
        headers.insert(HEADER_LENGTH, HeaderValue::from(length));
    }
    if let Some(name) = coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Ok(response)
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
        SizeHint::with_exact(size(&self.parts) as u64)
    }
}

fn size(parts: &[Bytes]) -> usize {
    parts.iter().map(Bytes::len).sum()
}

fn lease(budget: &Budget, parts: &[Bytes]) -> Lease {
    let lease = budget.lease();
    lease.grow(size(parts));
    lease
}

/// All of the `parts`, one after the other. Who waits for an answer would rather have it soon than
/// small, hence the fastest level.
fn compress(parts: &[Bytes], coding: Coding) -> Result<Vec<u8>, InferError> {
    let (level, out) = (Compression::fast(), Vec::new());
    let compressed = match coding {
        Coding::Identity => Ok(parts.concat()),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(out, level);
            write_all(&mut encoder, parts).and_then(|()| encoder.finish())
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(out, level);
            write_all(&mut encoder, parts).and_then(|()| encoder.finish())
        }
    };
    compressed.map_err(|error| InferError::Backend(format!("compressing failed: {error}").into()))
}

fn write_all(encoder: &mut impl Write, parts: &[Bytes]) -> io::Result<()> {
    parts.iter().try_for_each(|part| encoder.write_all(part))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{GzDecoder, ZlibDecoder};
    use http_body_util::BodyExt;

    use super::*;

    fn encoded() -> Encoded {
        Encoded {
            header: "{\"a\":1}".into(),
            binary: vec![[0; 5000].to_vec().into(), "end".into()],
        }
    }

    /// The answer's body in this coding, and what counts as in flight until it was sent.
    async fn sent(coding: Coding) -> (Vec<u8>, usize) {
        let budget = Budget::new(0);
        let response = respond(encoded(), coding, &budget).await.unwrap();
        let stated = response.headers().get(header::CONTENT_ENCODING).cloned();
        assert_eq!(stated.as_ref().map(|name| name.to_str().unwrap()), coding.name());
        assert_eq!(response.headers()[HEADER_LENGTH], "7", "before it is compressed");
        let in_flight = budget.used_bytes();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((body.len(), budget.used_bytes()), (in_flight, 0));
        (body.to_vec(), in_flight)
    }

    #[tokio::test]
    async fn an_answer_is_the_same_in_every_coding() {
        let (plain, size) = sent(Coding::Identity).await;
        assert_eq!((plain.len(), size), (5010, 5010));
        let (mut gzip, mut deflate) = (Vec::new(), Vec::new());
        let (body, size) = sent(Coding::Gzip).await;
        GzDecoder::new(&*body).read_to_end(&mut gzip).unwrap();
        assert!(size < 100);
        let (body, size) = sent(Coding::Deflate).await;
        ZlibDecoder::new(&*body).read_to_end(&mut deflate).unwrap();
        assert!(size < 100);
        assert_eq!((gzip, deflate), (plain.clone(), plain));
    }
}
