//! One request: decode, run, encode. It may be a `ModelInfer` or one of a stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nereid_backend::error::InferError;
use nereid_proto::grpc::{DEADLINE, decode, encode, rewritten_bytes};
use nereid_proto::inference::{ModelInferRequest, ModelInferResponse};
use tonic::{Request, Response, Status};

use crate::admission::{Ask, ask};
use crate::budget::Lease;
use crate::grpc::{Answered, failure, target};
use crate::inference::{self, Queued};
use crate::off_worker::off_worker;
use crate::server::Server;

pub(super) async fn infer(
    server: &Server,
    asked: Request<ModelInferRequest>,
) -> Answered<ModelInferResponse> {
    let deadline = deadline(&asked)?;
    let lease = asked.extensions().get::<Arc<Lease>>().cloned();
    let lease = lease.unwrap_or_else(|| Arc::new(server.budget.lease()));
    match run(server, asked.into_inner(), lease, deadline).await {
        Ok(message) => Ok(Response::new(message)),
        Err(refused) => Err(refused.status),
    }
}

/// Why a request has no answer.
pub(super) struct Refused {
    /// What its client is told.
    pub(super) status: Status,
    /// Whether it had come into its model's queue, and so was not wrong by itself.
    pub(super) is_queued: bool,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self { status, is_queued: false }
    }
}

/// Runs what `message` asks for. The `lease` has what it takes in memory, and what is answered.
pub(super) async fn run(
    server: &Server,
    message: ModelInferRequest,
    lease: Arc<Lease>,
    deadline: Option<Duration>,
) -> Result<ModelInferResponse, Refused> {
    let _place = server.admit().map_err(|failed| failure(&failed))?;
    let target = target(message.model_name.clone(), &message.model_version)?;
    let found = server.models.find(&target).map_err(|failed| failure(&failed))?;
    let mut ask = read(message, lease.clone()).await.map_err(|failed| failure(&failed))?;
    let is_deadline = deadline.is_some_and(|deadline| is_first(deadline, ask.timeout));
    if is_deadline {
        ask.timeout = deadline;
    }
    let id = ask.id.clone();
    let refused = |failed: &InferError, is_queued| {
        inference::log_failure(&target, &id, failed);
        Refused { status: refusal(failed, is_deadline), is_queued }
    };
    let queued = inference::submit(&server.regions, &target, found, ask).await;
    let queued = queued.map_err(|failed| refused(&failed, false))?;
    let message = answer(&id, queued).await.map_err(|failed| refused(&failed, true))?;
    lease.grow(message.raw_output_contents.iter().map(Bytes::len).sum());
    Ok(message)
}

/// The deadline of gRPC's own.
fn deadline<T>(asked: &Request<T>) -> Result<Option<Duration>, Status> {
    let Some(value) = asked.metadata().get(DEADLINE) else { return Ok(None) };
    let deadline = value.to_str().ok().and_then(nereid_proto::grpc::deadline);
    deadline.map(Some).ok_or_else(|| {
        let text = format!("{DEADLINE} must be one to eight digits and one of H, M, S, m, u, n");
        Status::invalid_argument(text)
    })
}

/// Whether the `deadline` comes before the client's `timeout`.
fn is_first(deadline: Duration, timeout: Option<Duration>) -> bool {
    timeout.is_none_or(|timeout| deadline <= timeout)
}

/// Decodes `message`; what that writes is counted before it is written. The lease goes along: if
/// the client goes away now, the work is done all the same.
async fn read(message: ModelInferRequest, lease: Arc<Lease>) -> Result<Ask, InferError> {
    let size_bytes = rewritten_bytes(&message);
    lease.try_grow(size_bytes)?;
    off_worker(size_bytes, move || ask(decode(message)?, Some(lease))).await
}

async fn answer(id: &str, queued: Queued) -> Result<ModelInferResponse, InferError> {
    let inferred = queued.answer().await?;
    let spec = &inferred.served.definition.spec;
    encode(id, &spec.name, spec.version, &inferred.response.outputs, &inferred.placed)
}

/// With a deadline of gRPC's own, gRPC's own code says that it passed.
fn refusal(failed: &InferError, is_deadline: bool) -> Status {
    let status = failure(failed);
    if is_deadline && failed.is_expired() {
        return Status::deadline_exceeded(status.message());
    }
    status
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn the_deadline_is_in_a_header() {
        let read = |value: &str| {
            let mut asked = Request::new(());
            asked.metadata_mut().insert(DEADLINE, value.parse().unwrap());
            deadline(&asked).map_err(|status| status.code())
        };
        assert_eq!(read("2S"), Ok(Some(Duration::from_secs(2))));
        assert_eq!(read(""), Err(Code::InvalidArgument));
        assert_eq!(read("+5S"), Err(Code::InvalidArgument));
        assert_eq!(deadline(&Request::new(())).unwrap(), None);
    }

    #[test]
    fn only_grpc_s_own_deadline_has_grpc_s_own_code() {
        let [short, long] = [1, 2].map(Duration::from_secs);
        assert!(is_first(short, None) && is_first(short, Some(long)));
        assert!(is_first(short, Some(short)) && !is_first(long, Some(short)));
        let expired = || InferError::Expired("".into());
        let step = InferError::Step {
            ensemble: "e".into(),
            step: "step 0 ('f')".into(),
            source: Box::new(expired()),
        };
        assert_eq!(refusal(&step, true).code(), Code::DeadlineExceeded);
        assert_eq!(refusal(&expired(), true).code(), Code::DeadlineExceeded);
        assert_eq!(refusal(&step, false).code(), Code::Unavailable);
        assert_eq!(refusal(&InferError::QueueFull("".into()), true).code(), Code::Unavailable);
    }
}
