//! Counts what gRPC's messages hold in memory as bytes in flight: a request's while it arrives,
//! before its message is complete, and a response's until it was sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use nereid_backend::error::InferError;
use tokio::time::{Sleep, sleep_until};

use crate::budget::Lease;
use crate::grpc::aligned::aligned;
use crate::grpc::failure;
use crate::grpc::framing::Framing;
use crate::grpc::gunzip::Gunzip;
use crate::pause::Pace;
use crate::server::Server;

/// Say how messages are compressed, and may be.
const ENCODING: &str = "grpc-encoding";
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// Ends the path of the one method whose client may rest between two messages.
const STREAM: &str = "/ModelStreamInfer";

/// Ends the path of the one whose messages are often big.
const INFER: &str = "/ModelInfer";

/// Meters one call. Its lease is among the request's extensions, and held until its response was
/// sent.
pub(super) async fn meter(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let lease = Arc::new(server.budget.lease());
    request.extensions_mut().insert(lease.clone());
    let size_max = server.input_bytes_max;
    let is_gzip = take_gzip(request.headers_mut());
    let path = request.uri().path();
    let change = if is_gzip {
        Change::Gunzip(Gunzip::new(lease.clone(), size_max))
    } else if path.ends_with(INFER) {
        Change::Align { size_max }
    } else {
        Change::Nothing
    };
    let received = lease.clone();
    // A client may keep a stream open and send nothing.
    let framing = path.ends_with(STREAM).then(Framing::default);
    let request = request.map(|body| Body::new(Counted::new(body, received, framing, change)));
    let response = next.run(request).await;
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &lease;
            frame
        }))
    })
}

/// A request's body, which counts what arrives, and ends with an error if it comes too slowly.
struct Counted {
    body: Body,
    lease: Arc<Lease>,
    pace: Pace,
    /// Until when more must come; made when its client pauses.
    pause: Option<Pin<Box<Sleep>>>,
    /// Where it is among its messages, if its client may pause between them as long as it likes.
    framing: Option<Framing>,
    change: Change,
}

/// What becomes of a body before tonic reads it.
enum Change {
    /// It stays, or what is left of it stays, as it is.
    Nothing,
    /// It may begin otherwise: see [`aligned`].
    Align { size_max: usize },
    /// It is decompressed.
    Gunzip(Gunzip),
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            if self.framing.as_ref().is_some_and(Framing::is_between_messages) {
                return Poll::Pending;
            }
            let pace = self.pace;
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep_until(pace.deadline())));
            return pause.as_mut().poll(context).map(|()| Some(refused(&pace.missed())));
        };
        self.pause = None;
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            self.pass(data);
        }
        let size_bytes = frame.data_ref().map_or(0, Bytes::len);
        let frame = self.lease.try_grow(size_bytes).and_then(|()| self.changed(frame));
        Poll::Ready(Some(frame.or_else(|failed| refused(&failed))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if let Change::Nothing = self.change { self.body.size_hint() } else { SizeHint::default() }
    }
}

impl Counted {
    fn new(body: Body, lease: Arc<Lease>, framing: Option<Framing>, change: Change) -> Self {
        Self { body, lease, pace: Pace::start(), pause: None, framing, change }
    }

    /// Takes note of what has come. A message that begins is timed by itself.
    fn pass(&mut self, data: &[u8]) {
        if let Some(framing) = &mut self.framing {
            if framing.is_between_messages() {
                self.pace = Pace::start();
            }
            framing.pass(data);
        }
        self.pace.pass(data.len());
    }

    fn changed(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, InferError> {
        let Some(data) = frame.data_ref() else { return Ok(frame) };
        match &mut self.change {
            Change::Nothing => Ok(frame),
            Change::Gunzip(gunzip) => Ok(Frame::data(gunzip.feed(data)?.into())),
            Change::Align { size_max } => {
                let begun = aligned(data, *size_max);
                self.change = Change::Nothing;
                Ok(begun.map_or(frame, Frame::data))
            }
        }
    }
}

/// Whether the messages may be compressed; then it is for us to decompress them, and the answer
/// may be compressed, too. Stock clients accept that always, but only who compresses by itself
/// shows that the time is worth it.
fn take_gzip(headers: &mut HeaderMap) -> bool {
    let is_gzip = headers.get(ENCODING).is_some_and(|value| value == "gzip");
    headers.remove(if is_gzip { ENCODING } else { ACCEPT_ENCODING });
    is_gzip
}

/// What tonic answers when a body ends so.
fn refused<T>(failed: &InferError) -> Result<T, BoxError> {
    Err(failure(failed).into())
}

#[cfg(test)]
mod tests;
