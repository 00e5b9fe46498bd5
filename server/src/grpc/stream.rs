//! `ModelStreamInfer`: many requests on one call, and their responses in the same order.
//!
//! A request that fails is answered among the others, and the stream goes on. Dropping the stream,
//! as a client that goes away makes it, gives up all of its requests.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use nereid_proto::inference::infer_parameter::ParameterChoice;
use nereid_proto::inference::{
    InferParameter, ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
};
use tokio::sync::watch;
use tonic::codegen::BoxStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status, Streaming};

use crate::budget::Lease;
use crate::grpc::STOPPING;
use crate::grpc::infer::{self, Refused};
use crate::server::{Life, Server};

/// Requests of one stream at the same time; the next is read when the first of them is answered.
const REQUESTS_MAX: usize = 1_024;

/// Metadata by which a client asks that a request that fails once it runs ends the stream.
const ENDS_BY_ERROR: &str = "triton_grpc_error";

/// The parameter of the last response to a request; here, each has one.
const FINAL: &str = "triton_final_response";

/// Answers a stream. Its deadline is the client's to keep: it ends the call.
pub(super) fn infer(
    server: Arc<Server>,
    asked: Request<Streaming<ModelInferRequest>>,
) -> BoxStream<ModelStreamInferResponse> {
    let ends_by_error = ends_by_error(asked.metadata());
    let received = asked.extensions().get::<Arc<Lease>>().cloned();
    let received = received.unwrap_or_else(|| Arc::new(server.budget.lease()));
    let messages = until_stopping(asked.into_inner(), server.life.clone());
    let answers = messages.map(move |message| {
        let lease = Arc::new(received.split());
        answer(server.clone(), message, lease, ends_by_error)
    });
    let mut sent = None;
    let answers = answers.buffered(REQUESTS_MAX).map(move |(answer, lease)| {
        // The next response is asked for when this one has left; so long its bytes are counted.
        drop(sent.replace(lease));
        answer
    });
    Box::pin(answers)
}

fn ends_by_error(metadata: &MetadataMap) -> bool {
    metadata.get(ENDS_BY_ERROR).is_some_and(|value| value == "true")
}

/// The messages, until the server stops: a stream that stays open must not hold that up.
fn until_stopping<T>(
    messages: impl Stream<Item = Result<T, Status>> + Unpin,
    life: watch::Receiver<Life>,
) -> impl Stream<Item = Result<T, Status>> {
    stream::unfold(Some((messages, life)), |state| async {
        let (mut messages, mut life) = state?;
        let stopping = async { drop(life.wait_for(|life| *life == Life::Stopping).await) };
        let message = tokio::select! {
            message = messages.next() => message,
            () = stopping => return Some((Err(Status::unavailable(STOPPING)), None)),
        };
        Some((message?, Some((messages, life))))
    })
}

/// Answers one message of a stream, or says how the stream ends. The lease is held until the
/// answer was sent.
async fn answer(
    server: Arc<Server>,
    message: Result<ModelInferRequest, Status>,
    lease: Arc<Lease>,
    ends_by_error: bool,
) -> (Result<ModelStreamInferResponse, Status>, Arc<Lease>) {
    let message = match message {
        Ok(message) => message,
        Err(status) => return (Err(status), lease),
    };
    let id = message.id.clone();
    let answer = match infer::run(&server, message, lease.clone(), None).await {
        Ok(response) => Ok(success(response)),
        // Not for what is wrong with the request itself: that does not end a stream in Triton.
        Err(Refused { status, is_queued: true }) if ends_by_error => Err(status),
        Err(Refused { status, .. }) => Ok(error(id, &status)),
    };
    (answer, lease)
}

fn success(mut response: ModelInferResponse) -> ModelStreamInferResponse {
    let value = InferParameter { parameter_choice: Some(ParameterChoice::BoolParam(true)) };
    response.parameters.insert(FINAL.to_owned(), value);
    ModelStreamInferResponse { error_message: String::new(), infer_response: Some(response) }
}

fn error(id: String, status: &Status) -> ModelStreamInferResponse {
    let response = ModelInferResponse { id, ..ModelInferResponse::default() };
    let error_message = status.message().to_owned();
    ModelStreamInferResponse { error_message, infer_response: Some(response) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_lets_errors_end_a_stream() {
        let check = |value: Option<&'static str>, expected| {
            let mut metadata = MetadataMap::new();
            if let Some(value) = value {
                metadata.insert(ENDS_BY_ERROR, value.parse().unwrap());
            }
            assert_eq!(ends_by_error(&metadata), expected, "{value:?}");
        };
        check(None, false);
        check(Some("true"), true);
        check(Some("false"), false);
    }

    #[tokio::test]
    async fn a_stream_ends_when_the_server_stops() {
        let (life, receiver) = watch::channel(Life::Serving);
        let open = stream::iter([Ok(1)]).chain(stream::pending());
        let mut messages = Box::pin(until_stopping(open, receiver.clone()));
        assert_eq!(messages.next().await.unwrap().unwrap(), 1);
        life.send(Life::Stopping).unwrap();
        let status = messages.next().await.unwrap().unwrap_err();
        assert_eq!((status.code(), status.message()), (tonic::Code::Unavailable, STOPPING));
        assert!(messages.next().await.is_none());
        let mut ended = Box::pin(until_stopping(stream::iter([Ok(1)]), receiver));
        // Which of both comes first is open; then it ends.
        while ended.next().await.is_some() {}
    }
}
