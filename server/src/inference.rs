//! One request from its decoded form to its answer, the same for every protocol.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::error::{InferError, Kind, id_prefix};
use nereid_backend::parts::{Cancel, Parameter};
use nereid_backend::request::{Answer, Home, Request};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::admission::{self, Ask};
use crate::registry::{Models, Served, Target};
use crate::scheduler::Refusal;

/// Runs `ask` on `served`, which `target` meant a moment ago, and waits for the answer.
///
/// A model that was reloaded since then has closed its queue, but only after its successor was
/// published: one more try, on a new snapshot, and with a new check against its spec.
///
/// Dropping the future gives the request up: it leaves the queue, and a run is told to stop.
///
/// # Errors
/// Whatever goes wrong between here and the instance.
pub async fn infer(models: &Models, target: &Target, served: &Arc<Served>, mut ask: Ask) -> Answer {
    let spec = &served.definition.spec;
    let outputs = admission::wanted(spec, &ask.outputs)?;
    let admitted = admission::admit(spec, &mut ask)?;
    let (home, answer) = oneshot::channel();
    let mut request = Request::new(admitted.inputs, admitted.rows, Home::Once(home));
    request.id = ask.id;
    request.outputs = outputs;
    request.parameters = ask.parameters;
    request.deadline = ask.timeout.and_then(|timeout| Instant::now().checked_add(timeout));

    let given_up = RaiseOnDrop(request.cancel.clone());
    let id = request.id.clone();
    let deadline = request.deadline;
    push(models, target, served, request)?;
    let received = match deadline {
        None => answer.await,
        Some(at) => match timeout_at(at.into(), answer).await {
            Ok(received) => received,
            Err(_) => return Err(InferError::Expired(id)),
        },
    };
    drop(given_up);
    received.unwrap_or(Err(InferError::Abandoned))
}

/// How long a client will wait, by its parameter `timeout`: microseconds.
///
/// # Errors
/// When it is not a number of them.
pub fn timeout(value: &Parameter) -> Result<Duration, InferError> {
    match value {
        Parameter::Int(us) if *us >= 0 => Ok(Duration::from_micros(us.unsigned_abs())),
        _ => Err(InferError::Invalid(
            "invalid value for 'timeout' parameter, expected microseconds as a whole number"
                .to_owned(),
        )),
    }
}

/// Logs a failure that the operator should know of; what clients do wrong, they are told.
pub fn log_failure(target: &Target, id: &str, failed: &InferError) {
    let (model, prefix) = (&target.model, id_prefix(id));
    if failed.kind() == Kind::Internal {
        tracing::error!("{prefix}model '{model}': {failed}");
    } else {
        tracing::debug!("{prefix}model '{model}': {failed}");
    }
}

fn push(
    models: &Models,
    target: &Target,
    served: &Arc<Served>,
    request: Request,
) -> Result<(), InferError> {
    match served.push(request, &models.snapshot()) {
        Ok(()) => Ok(()),
        Err((request, Refusal::Closed)) => push_to_successor(models, target, request),
        Err((request, refusal)) => Err(refuse(served, request, refusal)),
    }
}

fn push_to_successor(
    models: &Models,
    target: &Target,
    mut request: Request,
) -> Result<(), InferError> {
    let snapshot = models.snapshot();
    let served = snapshot.ready(target)?;
    let inputs = std::mem::take(&mut request.inputs);
    request.inputs = admission::fit(&served.definition.spec, &request.id, inputs)?.inputs;
    served.push(request, &snapshot).map_err(|(request, refusal)| refuse(served, request, refusal))
}

/// Answers the request, so that it is counted, and gives the same error to the caller.
fn refuse(served: &Served, request: Request, refusal: Refusal) -> InferError {
    let error = refusal.into_error(&served.definition.spec.name, &request);
    request.respond(Err(error.clone()));
    error
}

/// Tells a running request that nobody waits for it.
struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
