//! One request's way through an ensemble: its steps are started as soon as they can be, and their
//! answers brought together.

mod parts;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;
use nereid_backend::parts::{Cancel, Parameters, RequestedOutput, Tensors, Times};
use nereid_backend::request::{Answer, Hold, Home, Request, Response};

use crate::admission;
use crate::ensemble::graph::{Graph, TensorId};
use crate::ensemble::run::parts::Split;
use crate::ensemble::run::state::{Ready, State, id_of};
use crate::places::Place;
use crate::registry::{Found, Snapshot};

/// Starts `request`, which fits the graph's ensemble, and has its place until it is answered.
pub(super) fn start(
    graph: Arc<Graph>,
    (mut request, place): (Request, Place),
    observer: Arc<dyn Observer>,
    snapshot: Snapshot,
) {
    let now = Instant::now();
    request.times = Times { queued: Some(now), started: Some(now), ..Times::default() };
    let wanted: Vec<TensorId> =
        request.outputs.iter().filter_map(|output| id_of(&graph.outputs, &output.name)).collect();
    let is_pending = graph.needed(&wanted);
    let run = Arc::new(Run {
        id: request.id.clone(),
        parameters: request.parameters.clone(),
        priority: request.priority,
        deadline: request.deadline,
        cancel: request.cancel.clone(),
        hold: request.hold.clone(),
        observer,
        snapshot,
        state: Mutex::new(State::new(&graph, (request, place), wanted, is_pending)),
        graph,
    });
    run.go_on();
}

/// What all steps of one request share.
struct Run {
    graph: Arc<Graph>,
    snapshot: Snapshot,
    observer: Arc<dyn Observer>,
    id: Arc<str>,
    parameters: Parameters,
    priority: u64,
    deadline: Option<Instant>,
    cancel: Cancel,
    hold: Hold,
    state: Mutex<State>,
}

impl Run {
    /// Starts what can be started, and answers when all is there. Nothing is pushed or answered
    /// under the lock: a step may end before its push returns. Whoever pushed it then goes on, not
    /// the call below that tells of its end: a chain of such steps would be as deep on the stack.
    fn go_on(self: &Arc<Self>) {
        if !self.lock().begin() {
            return;
        }
        loop {
            let (ready, answer) = {
                let mut state = self.lock();
                (state.take_ready(&self.graph), state.take_answer())
            };
            if let Some((request, response)) = answer {
                return self.respond(request, response);
            }
            for node in ready {
                let index = node.index;
                if let Err(error) = self.start_node(node) {
                    return self.fail(index, error);
                }
            }
            if self.lock().is_over() {
                return;
            }
        }
    }

    fn start_node(self: &Arc<Self>, ready: Ready) -> Result<(), InferError> {
        let Ready { index, inputs, outputs } = ready;
        let found = self.snapshot.find(&self.graph.nodes[index].target)?;
        let spec = &found.served.definition.spec;
        match parts::split(spec, inputs)? {
            Split::Whole(inputs) => {
                let run = self.clone();
                let next = move |answer, times: &_| run.ended(index, answer, times);
                self.push(index, found, (inputs, outputs), Home::Then(Box::new(next)))
            }
            Split::Parts(all) => self.start_parts(index, &found, all, &outputs),
            Split::Nothing => {
                self.ended(index, parts::of_no_rows(spec, &outputs), &Times::default());
                Ok(())
            }
        }
    }

    fn start_parts(
        self: &Arc<Self>,
        index: usize,
        found: &Found,
        all: Vec<Tensors>,
        outputs: &[RequestedOutput],
    ) -> Result<(), InferError> {
        self.lock().expect_parts(index, all.len())?;
        for (part, inputs) in all.into_iter().enumerate() {
            let run = self.clone();
            let next = move |answer, times: &_| run.part_ended(index, part, answer, times);
            let wanted = (inputs, outputs.to_vec());
            self.push(index, found.clone(), wanted, Home::Then(Box::new(next)))?;
        }
        Ok(())
    }

    /// Hands a node's model a request, whose answer comes back by `home`.
    fn push(
        &self,
        index: usize,
        found: Found,
        (inputs, outputs): (Tensors, Vec<RequestedOutput>),
        home: Home,
    ) -> Result<(), InferError> {
        let admitted = admission::fit(&found.served.definition.spec, &self.id, inputs)?;
        let mut request = Request::new(admitted.inputs, admitted.rows, home);
        request.id = self.id.clone();
        request.outputs = outputs;
        request.parameters = self.parameters.clone();
        request.priority = self.priority;
        request.deadline = self.deadline;
        request.cancel = self.cancel.clone();
        request.hold.clone_from(&self.hold);
        // A request that nobody takes was answered, and so comes back as this node's end.
        let _answered = found.push(&self.graph.nodes[index].target, request);
        Ok(())
    }

    /// A step has answered; this runs wherever its answer arrived.
    fn ended(self: &Arc<Self>, index: usize, answer: Answer, times: &Times) {
        match answer {
            Ok(response) => {
                let mut state = self.lock();
                state.store(&self.graph.nodes[index].outputs, response.outputs);
                state.spend(times.stages());
                drop(state);
                self.go_on();
            }
            Err(error) => self.fail(index, error),
        }
    }

    /// A part of a step has answered; the step has when all have.
    fn part_ended(self: &Arc<Self>, index: usize, part: usize, answer: Answer, times: &Times) {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return self.fail(index, error),
        };
        let mut state = self.lock();
        state.spend(times.stages());
        let all = state.part(index, part, response.outputs);
        drop(state);
        if let Some(all) = all {
            let whole = parts::join(&all, self.observer.copies());
            self.ended(index, whole, &Times::default());
        }
    }

    /// Like Triton's ensembles it counts as one execution, whose stages are the sums of its
    /// steps'.
    fn respond(&self, mut request: Request, response: Response) {
        request.times.outputs_ready = Some(Instant::now());
        self.observer.executed(request.rows(), &request.times);
        request.respond(Ok(response));
    }

    /// The first error is the answer; other steps are told to stop.
    fn fail(&self, index: usize, error: InferError) {
        let request = self.lock().take_failed();
        if let Some(request) = request {
            self.cancel.raise();
            request.respond(Err(InferError::Step {
                ensemble: self.graph.name.clone(),
                step: self.graph.nodes[index].label.clone(),
                source: Box::new(error),
            }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
