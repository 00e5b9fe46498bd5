//! One request from its decoded form to its answer, the same for every protocol.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, Kind, id_prefix};
use nereid_backend::parts::{Cancel, Parameter, Parameters};
use nereid_backend::request::{Answer, Home, Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::admission::{self, Ask};
use crate::classification::{self, Classes, classify};
use crate::edge::Placement;
use crate::off_worker::off_worker;
use crate::regions::Regions;
use crate::registry::{Found, Served, Target};

/// An answer, and which version of the model gave it.
pub struct Inferred {
    /// The model that has answered.
    pub served: Arc<Served>,
    /// What it has answered.
    pub response: Response,
    /// Those of its outputs that were written to shared memory.
    pub placed: Vec<Arc<str>>,
}

/// A request that its model has in its queue, or runs.
///
/// Dropping it gives the request up: it leaves the queue, and a run is told to stop.
pub struct Queued {
    served: Arc<Served>,
    id: Arc<str>,
    deadline: Option<Instant>,
    classes: Classes,
    placement: Option<Placement>,
    answer: oneshot::Receiver<Answer>,
    given_up: RaiseOnDrop,
}

impl Queued {
    /// Waits for the answer.
    ///
    /// # Errors
    /// Whatever goes wrong between the queue and here.
    pub async fn answer(self) -> Result<Inferred, InferError> {
        let Self { served, id, deadline, classes, placement, answer, given_up } = self;
        let received = match deadline {
            None => answer.await,
            Some(at) => match timeout_at(at.into(), answer).await {
                Ok(received) => received,
                Err(_) => return Err(InferError::Expired(id)),
            },
        };
        drop(given_up);
        let mut response = received.unwrap_or(Err(InferError::Abandoned))?;
        if !classes.is_empty() {
            let size_bytes = response.outputs.iter().map(|(_, tensor)| tensor.size_bytes()).sum();
            let (served, outputs) = (served.clone(), response.outputs);
            let classify = move || classify(&served.definition, &classes, outputs);
            response.outputs = off_worker(size_bytes, classify).await?;
        }
        let placed = match placement {
            None => Vec::new(),
            // Apart, so that futures of all other requests are smaller, which are moved a few times.
            Some(all) => Box::pin(all.write(&response.outputs, served.statistics.clone())).await?,
        };
        log_success(&served, &id);
        Ok(Inferred { served, response, placed })
    }
}

/// Runs `ask` on what `target` was `found` to be a moment ago, and waits for the answer.
///
/// Dropping the future gives the request up.
///
/// # Errors
/// Those of [`submit`] and of [`Queued::answer`].
pub async fn infer(
    regions: &Regions,
    target: &Target,
    found: Found,
    ask: Ask,
) -> Result<Inferred, InferError> {
    submit(regions, target, found, ask).await?.answer().await
}

/// Puts `ask` into the queue of what `target` was `found` to be a moment ago. What lies in shared memory
/// is where `regions` say; this waits only for what has to be brought to the host from there.
///
/// # Errors
/// When it does not fit the model, or the model does not take it.
pub async fn submit(
    regions: &Regions,
    target: &Target,
    found: Found,
    mut ask: Ask,
) -> Result<Queued, InferError> {
    let spec = &found.served.definition.spec;
    let outputs = admission::requested_outputs(spec, &ask.outputs, &ask.places)?;
    classification::check(spec, &ask.classes)?;
    let admitted = admission::admit(spec, &mut ask, regions)?;
    let placement = regions.placement(&ask.places)?;
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
    if request.inputs.iter().any(|(_, tensor)| tensor.device() != DeviceId::Cpu) {
        let inputs = std::mem::take(&mut request.inputs);
        request.inputs = Box::pin(regions.fetch(&found.served, inputs)).await?;
    }
    let served = found.push(target, request)?;
    let classes = ask.classes;
    Ok(Queued { served, id, deadline, classes, placement, answer, given_up })
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

fn log_success(served: &Served, id: &str) {
    let (model, version) = (&served.definition.spec.name, served.definition.spec.version);
    tracing::debug!("{}model '{model}' version {version}: answered", id_prefix(id));
}

/// Logs a failure that the operator should know of; what clients do wrong, they are told.
pub fn log_failure(target: &Target, id: &str, failed: &InferError) {
    let line = || format!("{}model '{}': {failed}", id_prefix(id), target.model);
    if failed.kind() == Kind::Internal {
        tracing::error!("{}", line());
    } else {
        tracing::debug!("{}", line());
    }
}

/// Tells a running request that nobody waits for it.
struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
