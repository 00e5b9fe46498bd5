//! From a batch to its answers on a device: requests that are alike become one tensor for each input,
//! all kernels are enqueued at once, and answers are made when the device is done.
//!
//! Shapes are checked before anything is enqueued, on the host. Values lie on the device, so what is
//! wrong with them (`faults`) comes home with what else the host needs of an answer: the lengths of
//! lists that are as long as they are, and what is named by labels. A request that does not fit fails
//! alone, on a device as on the CPU.

pub(crate) mod faults;
mod group;

use std::ops::Range;
use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::{Batch, response_of};
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::request::Answer;
use nereid_kernels::executor::Executor;

pub(crate) use group::{Group, Home};

use crate::head::{Inputs, failed};
use crate::ports::Layout;

/// A head for which there are kernels.
pub(crate) trait DeviceHead: Send + Sync {
    /// Checks what shapes tell of a request.
    ///
    /// # Errors
    /// When its tensors do not fit each other or the operation.
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError>;

    /// Enqueues all that makes the outputs of requests that are alike, each of them checked.
    ///
    /// # Errors
    /// What the device tells, or a limit of a kernel.
    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError>;
}

/// To be called once the device is done.
pub(crate) type Answers = Box<dyn FnOnce() -> Result<OfRows, InferError> + Send>;

/// Makes the outputs of a request, of which these are the rows in its group.
pub(crate) type OfRows = Box<dyn Fn(Range<usize>) -> Result<Tensors, InferError>>;

/// One thread's head, and its stream.
pub(crate) struct DeviceInstance {
    pub(crate) head: Arc<dyn DeviceHead>,
    pub(crate) executor: Executor,
    pub(crate) layout: Layout,
}

/// Requests of a batch that were enqueued together.
struct Enqueued {
    /// Which, and their rows.
    members: Vec<(usize, Range<usize>)>,
    answers: Answers,
}

impl Instance for DeviceInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        let (mut answers, mut enqueued) = (Vec::new(), Vec::new());
        answers.resize_with(batch.requests().len(), || None);
        for members in self.groups(&batch, &mut answers) {
            match self.enqueue(&batch, &members) {
                Ok(group) => enqueued.push(group),
                Err(error) => members.iter().for_each(|&at| answers[at] = Some(Err(error.clone()))),
            }
        }
        batch.inputs_ready();
        if enqueued.is_empty() {
            batch.computed();
            respond(batch, answers);
            return Running::Done;
        }
        self.executor.answer(batch, move |batch| {
            for group in enqueued {
                group.answer(&batch, &mut answers);
            }
            respond(batch, answers);
        })
    }
}

impl DeviceInstance {
    /// Which requests are alike; those that do not fit are answered.
    fn groups(&self, batch: &Batch, answers: &mut [Option<Answer>]) -> Vec<Vec<usize>> {
        let (requests, copies) = (batch.requests(), batch.copies());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, request) in requests.iter().enumerate() {
            let checked = if request.is_cancelled() {
                Err(InferError::Cancelled(request.id.clone()))
            } else {
                self.head.check(&Inputs { request, copies })
            };
            if let Err(error) = checked {
                answers[at] = Some(Err(error));
                continue;
            }
            let is_alike = |group: &&mut Vec<usize>| {
                self.layout == Layout::Batched && group::are_alike(&requests[group[0]], request)
            };
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }

    fn enqueue(&self, batch: &Batch, members: &[usize]) -> Result<Enqueued, InferError> {
        let requests: Vec<_> = members.iter().map(|&at| &batch.requests()[at]).collect();
        let mut end = 0;
        let rows = requests.iter().map(|request| {
            end += request.rows();
            end - request.rows()..end
        });
        let members = members.iter().copied().zip(rows).collect();
        let group = Group::new(&self.executor, requests, batch.copies(), self.layout);
        Ok(Enqueued { members, answers: self.head.enqueue(&group)? })
    }
}

impl Enqueued {
    /// Makes the answers of its requests.
    fn answer(self, batch: &Batch, answers: &mut [Option<Answer>]) {
        let made = (self.answers)();
        for (at, rows) in self.members {
            let outputs = made.as_ref().map_err(Clone::clone).and_then(|of_rows| of_rows(rows));
            let request = &batch.requests()[at];
            let answer = |outputs| response_of(request, &outputs, |whole| Some(whole.clone()));
            answers[at] = Some(outputs.and_then(answer));
        }
    }
}

fn respond(batch: Batch, answers: Vec<Option<Answer>>) {
    let answered = |answer: Option<Answer>| answer.unwrap_or(Err(InferError::Abandoned));
    batch.respond(answers.into_iter().map(answered).collect());
}

/// Answers with rows of `tensors`, of which nothing has to come home.
pub(crate) fn all_there(tensors: Tensors, layout: Layout) -> Answers {
    Box::new(move || Ok(Box::new(move |rows| rows_of(&tensors, layout, rows))))
}

/// The rows of a request.
///
/// # Errors
/// When there are not so many.
pub(crate) fn rows_of(
    tensors: &Tensors,
    layout: Layout,
    rows: Range<usize>,
) -> Result<Tensors, InferError> {
    let part = |(name, whole): &(Arc<str>, nereid_backend::tensor::Tensor)| {
        let part = match layout {
            Layout::Batched => whole.rows(rows.clone()),
            Layout::Single => Some(whole.clone()),
        };
        part.map(|part| (name.clone(), part))
    };
    let rows_differ = || failed(&nereid_backend::tensor::TensorError::Rows);
    tensors.iter().map(part).collect::<Option<_>>().ok_or_else(rows_differ)
}
