//! A request, and its way home. Answering consumes a [`Request`], so a second answer does not
//! compile; dropping one answers [`InferError::Abandoned`], so no client waits for ever.

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::InferError;
use crate::observer::Observer;
use crate::parts::{Cancel, Parameters, RequestedOutput, Tensors, Times};
use crate::tensor::Tensor;

/// What an instance made of a request.
#[derive(Debug, Default)]
pub struct Response {
    /// One for each wanted output, in the order in which they were wanted.
    pub outputs: Tensors,
}

/// Something that must live as long as a request, whatever it is: dropping it gives memory back
/// to those who count it.
pub type Hold = Option<Arc<dyn Any + Send + Sync>>;

/// What whoever asked waits for.
pub type Answer = Result<Response, InferError>;

/// What an ensemble does with the answer of a step, and with what that took.
pub type Next = Box<dyn FnOnce(Answer, &Times) + Send>;

/// The way back to whoever asked.
pub enum Home {
    /// To a client's task.
    Once(oneshot::Sender<Answer>),
    /// To whatever goes on where the request ended, without waking tokio: an ensemble starts the
    /// next step there.
    Then(Next),
}

impl Home {
    /// Brings the answer there.
    pub fn send(self, answer: Answer, times: &Times) {
        match self {
            // A client that went away is not an error.
            Self::Once(client) => drop(client.send(answer)),
            Self::Then(next) => next(answer, times),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Once(client) => client.is_closed(),
            Self::Then(_) => false, // Whoever waits behind it raises `cancel`.
        }
    }
}

/// A validated request.
pub struct Request {
    /// The client's own name for it, echoed in the answer; may be empty.
    pub id: Arc<str>,
    /// Inputs that fit the signature.
    pub inputs: Tensors,
    /// What is asked for, at least one. Others are not computed, if the engine can.
    pub outputs: Vec<RequestedOutput>,
    /// The client's parameters, less those that have a field here.
    pub parameters: Parameters,
    /// Who is served first: 1 is the highest level, and 0 leaves it to the model.
    pub priority: u64,
    /// When an answer has become useless.
    pub deadline: Option<Instant>,
    /// Raised when nobody wants the answer any more.
    pub cancel: Cancel,
    /// When what happened.
    pub times: Times,
    /// What is counted as in flight until this request is gone.
    pub hold: Hold,
    rows: NonZeroUsize,
    home: Option<Home>,
    observer: Option<Arc<dyn Observer>>,
}

impl Request {
    /// A request of `rows` along the batch axis with no options set, and `home` for its answer.
    pub fn new(inputs: Tensors, rows: NonZeroUsize, home: Home) -> Self {
        Self {
            id: Arc::default(),
            inputs,
            outputs: Vec::new(),
            parameters: Parameters::new(),
            priority: 0,
            deadline: None,
            cancel: Cancel::default(),
            times: Times::default(),
            hold: None,
            rows,
            home: Some(home),
            observer: None,
        }
    }

    /// Rows along the batch axis; 1 for a model that does not batch.
    pub fn rows(&self) -> usize {
        self.rows.get()
    }

    /// The input called `name`, if it was sent.
    pub fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|(key, _)| &**key == name).map(|(_, tensor)| tensor)
    }

    /// Tells `observer` of the answer, whoever gives it.
    pub fn observe(&mut self, observer: Arc<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Sends the answer by the way home that `way` makes of the present one.
    pub fn reroute(&mut self, way: impl FnOnce(Home) -> Home) {
        self.home = self.home.take().map(way);
    }

    /// Whether its client went away or gave up. Long runs should ask now and then.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_raised() || self.home.as_ref().is_some_and(Home::is_gone)
    }

    /// Answers whoever asked.
    pub fn respond(mut self, answer: Answer) {
        self.answer(answer);
    }

    fn answer(&mut self, answer: Answer) {
        let Some(home) = self.home.take() else { return };
        if let Some(observer) = self.observer.take() {
            observer.answered(self.rows(), &self.times, answer.as_ref().err());
        }
        home.send(answer, &self.times);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answer(Err(InferError::Abandoned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> (Request, oneshot::Receiver<Answer>) {
        let (home, client) = oneshot::channel();
        (Request::new(Vec::new(), NonZeroUsize::MIN, Home::Once(home)), client)
    }

    #[test]
    fn a_dropped_request_is_abandoned() {
        let (request, mut client) = request();
        drop(request);
        assert!(matches!(client.try_recv(), Ok(Err(InferError::Abandoned))));
    }

    #[test]
    fn a_client_that_leaves_cancels() {
        let (request, client) = request();
        assert!(!request.is_cancelled());
        drop(client);
        assert!(request.is_cancelled());
    }
}
