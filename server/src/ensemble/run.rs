//! One request's way through an ensemble: its steps are started as soon as they can be, and their
//! answers brought together.

mod parts;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;
use nereid_backend::parts::{Cancel, Parameters, RequestedOutput, Tensors, Times};
use nereid_backend::request::{Answer, Hold, Home, Request, Response};
use nereid_backend::tensor::Tensor;

use crate::admission;
use crate::edge::Edge;
use crate::ensemble::graph::{Graph, Node, NodeInput, TensorId};
use crate::ensemble::run::parts::Split;
use crate::ensemble::run::state::{Made, Ready, State, id_of};
use crate::places::Place;
use crate::registry::{Found, Snapshot};

/// Starts `request`, which fits the graph's ensemble, and has its place until it is answered.
pub(super) fn start(
    graph: Arc<Graph>,
    (mut request, place): (Request, Place),
    (observer, edge): (Arc<dyn Observer>, Arc<Edge>),
    snapshot: Snapshot,
) {
    let now = Instant::now();
    request.times = Times { queued: Some(now), started: Some(now), ..Times::default() };
    let wanted: Vec<TensorId> =
        request.outputs.iter().filter_map(|output| id_of(&graph.outputs, &output.name)).collect();
    let is_pending = graph.needed(&wanted);
    let inputs = std::mem::take(&mut request.inputs);
    let run = Arc::new(Run {
        id: request.id.clone(),
        parameters: request.parameters.clone(),
        priority: request.priority,
        deadline: request.deadline,
        cancel: request.cancel.clone(),
        hold: request.hold.clone(),
        observer,
        edge,
        snapshot,
        state: Mutex::new(State::new(&graph, (request, place), wanted, is_pending)),
        graph,
    });
    run.arrived(None, inputs);
}

/// What all steps of one request share.
struct Run {
    graph: Arc<Graph>,
    snapshot: Snapshot,
    observer: Arc<dyn Observer>,
    edge: Arc<Edge>,
    id: Arc<str>,
    parameters: Parameters,
    priority: u64,
    deadline: Option<Instant>,
    cancel: Cancel,
    hold: Hold,
    state: Mutex<State>,
}

impl Run {
    /// Takes in what the client sent, or what the step `of` has made. What somebody needs on the host is
    /// brought there first: here, where the driver may be called, and once, whoever reads it.
    fn arrived(self: &Arc<Self>, of: Option<usize>, made: Tensors) {
        let names = of.map_or(&self.graph.inputs, |index| &self.graph.nodes[index].outputs);
        let is_on_host = |(_, tensor): &(Arc<str>, Tensor)| tensor.device() == DeviceId::Cpu;
        if made.iter().all(is_on_host) {
            self.lock().store(names, made);
            return self.go_on();
        }
        let needed = self.needed_on_host(names, &made);
        let run = self.clone();
        let landed = move |copies: Result<Tensors, InferError>| match copies {
            Ok(copies) => {
                let names = of.map_or(&run.graph.inputs, |index| &run.graph.nodes[index].outputs);
                let mut state = run.lock();
                state.store(names, made);
                state.store_on_host(names, copies);
                drop(state);
                run.go_on();
            }
            Err(error) => run.failed(of, error),
        };
        self.edge.to_host(needed, Vec::new(), self.observer.clone(), Box::new(landed));
    }

    /// Those that are on a device, and that the client, a condition, or a step reads on the host.
    fn needed_on_host(&self, names: &[(Arc<str>, TensorId)], made: &Tensors) -> Tensors {
        let state = self.lock();
        let is_needed = |(name, tensor): &&(Arc<str>, Tensor)| {
            tensor.device() != DeviceId::Cpu
                && id_of(names, name).is_some_and(|id| {
                    let is_read = |node: &Node, input: &NodeInput| {
                        input.tensor == id && self.reads_on_host(node, &input.name)
                    };
                    state.is_answered_on_host(id)
                        || state.pending(&self.graph).any(|node| {
                            node.condition == Some(id)
                                || node.inputs.iter().any(|input| is_read(node, input))
                        })
                })
        };
        made.iter().filter(is_needed).cloned().collect()
    }

    /// Whether a node's model wants an input on the host.
    fn reads_on_host(&self, node: &Node, input: &str) -> bool {
        self.snapshot.ready(&node.target).is_ok_and(|served| served.reads_on_host(input))
    }

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
        let node = &self.graph.nodes[index];
        let found = self.snapshot.find(&node.target)?;
        let spec = &found.served.definition.spec;
        let input = |(name, made): (Arc<str>, Made)| {
            let is_there = made.on_host.is_some() && self.reads_on_host(node, &name);
            (name, if is_there { made.on_host() } else { made.tensor })
        };
        let inputs = inputs.into_iter().map(input).collect();
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
                self.lock().spend(times.stages());
                self.arrived(Some(index), response.outputs);
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
            self.join(index, all);
        }
    }

    /// Rows of a device that do not lie side by side there are brought together on the host.
    fn join(self: &Arc<Self>, index: usize, all: Vec<Tensors>) {
        let run = self.clone();
        let join = move |all: Vec<Tensors>| {
            let whole = parts::join(&all, run.observer.copies());
            run.ended(index, whole, &Times::default());
        };
        if parts::can_join(&all) {
            return join(all);
        }
        let (run, outputs) = (self.clone(), all.first().map_or(1, Vec::len).max(1));
        let landed = move |all: Result<Tensors, InferError>| match all {
            Ok(all) => join(all.chunks(outputs).map(<[_]>::to_vec).collect()),
            Err(error) => run.fail(index, error),
        };
        let all = all.into_iter().flatten().collect();
        self.edge.to_host(all, Vec::new(), self.observer.clone(), Box::new(landed));
    }

    /// Like Triton's ensembles it counts as one execution, whose stages are the sums of its
    /// steps'.
    fn respond(&self, mut request: Request, response: Response) {
        request.times.outputs_ready = Some(Instant::now());
        self.observer.executed(request.rows(), &request.times);
        request.respond(Ok(response));
    }

    fn fail(&self, index: usize, error: InferError) {
        self.failed(Some(index), error);
    }

    /// The first error, of the step `of` or of what the client sent, is the answer; other steps are
    /// told to stop.
    fn failed(&self, of: Option<usize>, error: InferError) {
        let request = self.lock().take_failed();
        if let Some(request) = request {
            self.cancel.raise();
            request.respond(Err(match of {
                None => error,
                Some(index) => InferError::Step {
                    ensemble: self.graph.name.clone(),
                    step: self.graph.nodes[index].label.clone(),
                    source: Box::new(error),
                },
            }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
