//! Requests that run together: gathered once before the engine runs, scattered once after it.

use std::sync::Arc;
use std::time::Instant;

use crate::error::InferError;
use crate::observer::{Copy, CopyCounter, Observer};
use crate::parts::{Tensors, Times};
use crate::request::{Answer, Request, Response};
use crate::reshape::Reshape;
use crate::tensor::{Storage, Tensor, TensorError};

/// Requests that run together, at least one.
pub struct Batch {
    requests: Vec<Request>,
    times: Times,
    observer: Arc<dyn Observer>,
    reshape: Option<Arc<Reshape>>,
    delivery: Option<Arc<dyn Delivery>>,
}

/// Brings outputs to the places where a request wants them.
pub trait Delivery: Send + Sync {
    /// Answers `request` with `response`, of which some outputs are elsewhere, once they are there.
    /// What is copied is counted by `observer`. May not block.
    fn deliver(self: Arc<Self>, request: Request, response: Response, observer: Arc<dyn Observer>);
}

impl Batch {
    /// A batch of one; `started` is when it left the queue.
    pub fn new(first: Request, started: Instant, observer: Arc<dyn Observer>) -> Self {
        let times = Times { started: Some(started), ..Times::default() };
        let (requests, reshape, delivery) = (Vec::new(), None, None);
        let mut batch = Self { requests, times, observer, reshape, delivery };
        batch.push(first);
        batch
    }

    /// Adds a request that may run with the others.
    pub fn push(&mut self, mut request: Request) {
        request.times.started = self.times.started;
        self.requests.push(request);
    }

    /// Gives the inputs the engine's axes, and later the outputs those of clients.
    pub fn reshape(&mut self, how: &Arc<Reshape>) {
        for request in &mut self.requests {
            how.inputs(&mut request.inputs);
        }
        self.reshape = Some(how.clone());
    }

    /// Has outputs of instances on devices brought to where requests want them. Without it, they are
    /// answered where they were made.
    pub fn deliver_by(&mut self, delivery: &Arc<dyn Delivery>) {
        self.delivery = Some(delivery.clone());
    }

    /// One entry for each client request; never empty.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Rows of all requests together, at least 1.
    pub fn rows(&self) -> usize {
        self.requests.iter().map(Request::rows).sum()
    }

    /// Where copies made for this batch are counted.
    pub fn copies(&self) -> &CopyCounter {
        self.observer.copies()
    }

    /// The rows of the input `name` of all requests as one tensor on the host, or `None` if the
    /// requests do not have it. A single request's tensor is taken as it came; so are rows that
    /// lie side by side already, as a model of the same batch size leaves them. All else is one
    /// copy, and counted.
    ///
    /// # Errors
    /// [`InferError::Backend`] when the rows cannot be one tensor.
    pub fn gather(&self, name: &str) -> Result<Option<Tensor>, InferError> {
        let mut rows = Vec::with_capacity(self.requests.len());
        rows.extend(self.requests.iter().filter_map(|request| request.input(name)));
        let Some((&first, rest)) = rows.split_first() else { return Ok(None) };
        let whole = gather_rows(first, rest, self.copies());
        Ok(Some(whole.map_err(|error| cannot_gather(name, &error))?))
    }

    /// Notes that the inputs are where the engine wants them.
    pub fn inputs_ready(&mut self) {
        self.times.inputs_ready = Some(Instant::now());
    }

    /// Notes that the engine is done.
    pub fn computed(&mut self) {
        self.times.computed = Some(Instant::now());
    }

    /// Answers every request with its rows of `outputs`, or all of them with the error.
    pub fn respond_rows(self, outputs: Result<Tensors, InferError>) {
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(error) => return self.fail(&error),
        };
        let is_alone = self.requests.len() == 1;
        let mut end = 0;
        let mut answers = Vec::with_capacity(self.requests.len());
        for request in &self.requests {
            let rows = end..end + request.rows();
            end = rows.end;
            answers.push(response_of(request, &outputs, |whole| {
                if is_alone { Some(whole.clone()) } else { whole.rows(rows.clone()) }
            }));
        }
        self.respond(answers);
    }

    /// Answers each request with its own outputs or error; `answers` are in the requests' order.
    /// A request that has none is abandoned.
    pub fn respond(mut self, answers: Vec<Answer>) {
        let now = Instant::now();
        self.times.inputs_ready.get_or_insert(now);
        self.times.computed.get_or_insert(now);
        self.times.outputs_ready = Some(now);
        self.observer.executed(self.rows(), &self.times);
        for (mut request, mut answer) in self.requests.into_iter().zip(answers) {
            if let (Some(reshape), Ok(response)) = (&self.reshape, &mut answer) {
                reshape.outputs(&mut response.outputs);
            }
            request.times = Times { queued: request.times.queued, ..self.times };
            match (&self.delivery, answer) {
                (Some(delivery), Ok(response)) if is_elsewhere(&request, &response) => {
                    delivery.clone().deliver(request, response, self.observer.clone());
                }
                (_, answer) => request.respond(answer),
            }
        }
    }

    /// Answers all requests with the engine's error.
    pub fn fail(self, error: &InferError) {
        for request in self.requests {
            request.respond(Err(error.clone()));
        }
    }
}

/// The rows of `first` and then of all of `rest` as one tensor on the host. Rows that lie side by
/// side are taken as they are; all else is one copy, and counted in `copies`.
///
/// # Errors
/// [`TensorError::Rows`] when the rows are not all of one type and shape.
pub fn gather_rows(
    first: &Tensor,
    rest: &[&Tensor],
    copies: &CopyCounter,
) -> Result<Tensor, TensorError> {
    if let Some(whole) = joined(first, rest) {
        return Ok(whole);
    }
    let shape = shape_of_all(first, rest)?;
    let all = || std::iter::once(first).chain(rest.iter().copied());
    let size_bytes = all().map(Tensor::size_bytes).sum();
    let mut bytes = Vec::with_capacity(size_bytes);
    all().for_each(|tensor| bytes.extend_from_slice(tensor.host().unwrap_or_default()));
    copies.add(Copy::Gather, size_bytes);
    Tensor::new(first.data_type(), shape, Storage::Host(bytes.into()))
}

/// The rows of `first` and then of all of `rest` as they are, if they lie side by side in one memory.
pub fn joined(first: &Tensor, rest: &[&Tensor]) -> Option<Tensor> {
    rest.iter().try_fold(first.clone(), |whole, next| whole.joined(next))
}

/// The shape of the rows of `first` and then of all of `rest`.
///
/// # Errors
/// [`TensorError::Rows`] when the rows are not all of one type and shape.
pub fn shape_of_all(first: &Tensor, rest: &[&Tensor]) -> Result<Vec<usize>, TensorError> {
    let is_alike = |tensor: &&Tensor| {
        tensor.data_type() == first.data_type() && tensor.shape().get(1..) == first.shape().get(1..)
    };
    if !rest.iter().all(is_alike) {
        return Err(TensorError::Rows);
    }
    let mut shape = first.shape().to_vec();
    if let Some(rows) = shape.first_mut() {
        *rows += rest.iter().filter_map(|tensor| tensor.shape().first()).sum::<usize>();
    }
    Ok(shape)
}

/// The response to `request`: the outputs that it wants, in its order, each as `part` makes it.
///
/// # Errors
/// [`InferError::Backend`] when the engine did not make one of them, or not in enough rows.
pub fn response_of(
    request: &Request,
    outputs: &Tensors,
    part: impl Fn(&Tensor) -> Option<Tensor>,
) -> Answer {
    let one = |name: &Arc<str>| {
        let (_, whole) = outputs.iter().find(|(key, _)| key == name)?;
        Some((name.clone(), part(whole)?))
    };
    let mut found = Vec::with_capacity(request.outputs.len());
    for output in &request.outputs {
        found.push(one(&output.name).ok_or_else(|| {
            let text = format!("the engine made no output '{}' for this request", output.name);
            InferError::Backend(text.into())
        })?);
    }
    Ok(Response { outputs: found })
}

/// Whether an output is not where the request wants it.
fn is_elsewhere(request: &Request, response: &Response) -> bool {
    let mut outputs = request.outputs.iter().zip(&response.outputs);
    outputs.any(|(wanted, (_, made))| wanted.place.is_some_and(|place| place != made.device()))
}

fn cannot_gather(name: &str, error: &TensorError) -> InferError {
    InferError::Backend(format!("input '{name}' of several requests: {error}").into())
}

#[cfg(test)]
mod tests;
