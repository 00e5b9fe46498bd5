//! One request from its decoded form to its answer, the same for every protocol.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::error::{InferError, Kind, id_prefix};
use nereid_backend::parts::{Cancel, Parameter, Parameters};
use nereid_backend::request::{Home, Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::admission::{self, Ask};
use crate::classification::{self, classify};
use crate::off_worker::off_worker;
use crate::registry::{Found, Served, Target};

/// An answer, and which version of the model gave it.
pub struct Inferred {
    /// The model that has answered.
    pub served: Arc<Served>,
    /// What it has answered.
    pub response: Response,
}

/// Runs `ask` on what `target` was `found` to be a moment ago, and waits for the answer.
///
/// Dropping the future gives the request up: it leaves the queue, and a run is told to stop.
///
/// # Errors
/// Whatever goes wrong between here and the instance.
pub async fn infer(target: &Target, found: Found, mut ask: Ask) -> Result<Inferred, InferError> {
    let spec = &found.served.definition.spec;
    let outputs = admission::requested_outputs(spec, &ask.outputs)?;
    classification::check(spec, &ask.classes)?;
    let admitted = admission::admit(spec, &mut ask)?;
    let (home, answer) = oneshot::channel();
    let mut request = Request::new(admitted.inputs, admitted.rows, Home::Once(home));
    request.id = ask.id;
    request.outputs = outputs;
    request.priority = take_priority(&mut ask.parameters)?;
    request.parameters = ask.parameters;
    request.deadline = ask.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    request.hold = ask.hold;

    let given_up = RaiseOnDrop(request.cancel.clone());
    let id = request.id.clone();
    let deadline = request.deadline;
    let served = found.push(target, request)?;
    let received = match deadline {
        None => answer.await,
        Some(at) => match timeout_at(at.into(), answer).await {
            Ok(received) => received,
            Err(_) => return Err(InferError::Expired(id)),
        },
    };
    drop(given_up);
    let mut response = received.unwrap_or(Err(InferError::Abandoned))?;
    if !ask.classes.is_empty() {
        let size_bytes = response.outputs.iter().map(|(_, tensor)| tensor.size_bytes()).sum();
        let (served, outputs) = (served.clone(), response.outputs);
        let classify = move || classify(&served.definition, &ask.classes, outputs);
        response.outputs = off_worker(size_bytes, classify).await?;
    }
    Ok(Inferred { served, response })
}

/// How long a client will wait, by its parameter `timeout`: microseconds, and 0 for no limit.
///
/// # Errors
/// When it is not a number of them.
pub fn timeout(value: &Parameter) -> Result<Option<Duration>, InferError> {
    match value {
        Parameter::Int(0) => Ok(None),
        Parameter::Int(us) if *us > 0 => Ok(Some(Duration::from_micros(us.unsigned_abs()))),
        _ => Err(InferError::Invalid(
            "invalid value for 'timeout' parameter, expected microseconds as a whole number"
                .to_owned(),
        )),
    }
}

/// How urgent a request is, by its parameter `priority`. What is no level leaves it to the model.
fn take_priority(parameters: &mut Parameters) -> Result<u64, InferError> {
    match parameters.remove("priority") {
        None => Ok(0),
        Some(Parameter::Int(level)) => Ok(u64::try_from(level).unwrap_or(0)),
        Some(_) => Err(InferError::Invalid(
            "invalid value type for 'priority' parameter, expected int64_param or uint64_param."
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

/// Tells a running request that nobody waits for it.
struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
