//! Counts what gRPC's messages hold in memory as bytes in flight: a request's while it arrives,
//! before its message is complete, and a response's until it was sent.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;

use crate::budget::{Budget, Lease};
use crate::grpc::failure;

/// What one call holds until its response was sent. It is among the request's extensions.
#[derive(Clone)]
pub(super) struct InFlight(Arc<Mutex<Lease>>);

impl InFlight {
    /// Counts bytes that exist already.
    pub(super) fn grow(&self, size_bytes: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).grow(size_bytes);
    }

    fn try_grow(&self, size_bytes: usize) -> Result<(), Status> {
        let mut lease = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lease.try_grow(size_bytes).map_err(|failed| failure(&failed))
    }
}

/// Meters one call.
pub(super) async fn meter(
    State(budget): State<Budget>,
    mut request: Request,
    next: Next,
) -> Response {
    let in_flight = InFlight(Arc::new(Mutex::new(budget.lease())));
    request.extensions_mut().insert(in_flight.clone());
    let received = in_flight.clone();
    let request = request.map(|body| Body::new(Counted { body, in_flight: received }));
    let response = next.run(request).await;
    response.map(|body| Body::new(Held { body, _in_flight: in_flight }))
}

/// A request's body, which counts what arrives.
struct Counted {
    body: Body,
    in_flight: InFlight,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            self.in_flight.try_grow(data.len())?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body, which holds what the call has taken until it was sent.
struct Held {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
