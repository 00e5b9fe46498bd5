//! One request's way through an ensemble.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;
use nereid_backend::parts::{Cancel, Parameters, RequestedOutput, Stages, Tensors, Times};
use nereid_backend::request::{Answer, Hold, Home, Request, Response};
use nereid_backend::tensor::Tensor;

use crate::admission;
use crate::ensemble::graph::{Graph, Node, TensorId};
use crate::registry::Snapshot;

/// Starts `request`, which fits the graph's ensemble.
pub(super) fn start(
    graph: Arc<Graph>,
    mut request: Request,
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
        state: Mutex::new(State::new(&graph, request, wanted, is_pending)),
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

struct State {
    /// The client's request, until it is answered.
    request: Option<Request>,
    wanted: Vec<TensorId>,
    /// What exists, as long as somebody will still read it.
    tensors: Vec<Option<Tensor>>,
    /// Optional inputs that the client left out; steps run without them.
    is_absent: Vec<bool>,
    /// How many will still read each tensor.
    readers: Vec<usize>,
    /// Nodes that must run, and have not been started.
    is_pending: Vec<bool>,
    /// What those that have ended have spent.
    spent: Stages,
}

impl State {
    fn new(
        graph: &Graph,
        mut request: Request,
        wanted: Vec<TensorId>,
        is_pending: Vec<bool>,
    ) -> Self {
        let mut readers = vec![0; graph.tensors];
        let nodes = graph.nodes.iter().zip(&is_pending).filter(|(_, is_pending)| **is_pending);
        let inputs = nodes.flat_map(|(node, _)| &node.inputs);
        inputs.for_each(|(_, tensor)| readers[*tensor] += 1);
        for &tensor in &wanted {
            readers[tensor] += 1;
        }
        let mut is_absent = vec![false; graph.tensors];
        for (name, id) in &graph.inputs {
            is_absent[*id] = request.input(name).is_none();
        }
        let tensors = vec![None; graph.tensors];
        let spent = Stages::default();
        let mut state =
            Self { wanted, tensors, is_absent, readers, is_pending, spent, request: None };
        let inputs = std::mem::take(&mut request.inputs);
        state.store(&graph.inputs, inputs);
        state.request = Some(request);
        state
    }

    fn store(&mut self, names: &[(Arc<str>, TensorId)], made: Tensors) {
        for (name, tensor) in made {
            if let Some(id) = id_of(names, &name)
                && self.readers[id] > 0
            {
                self.tensors[id] = Some(tensor);
            }
        }
    }

    /// Whether it is there, or known not to come.
    fn is_known(&self, id: TensorId) -> bool {
        self.tensors[id].is_some() || self.is_absent[id]
    }

    /// The tensor for one reader; the last one gets it for good.
    fn read(&mut self, id: TensorId) -> Option<Tensor> {
        self.readers[id] = self.readers[id].saturating_sub(1);
        if self.readers[id] == 0 { self.tensors[id].take() } else { self.tensors[id].clone() }
    }

    /// The nodes whose inputs are all there.
    fn take_ready(&mut self, graph: &Graph) -> Vec<Ready> {
        let mut ready = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            let is_ready = self.request.is_some()
                && self.is_pending[index]
                && node.inputs.iter().all(|(_, id)| self.is_known(*id));
            if is_ready {
                self.is_pending[index] = false;
                let read =
                    |(name, id): &(Arc<str>, TensorId)| Some((name.clone(), self.read(*id)?));
                let inputs = node.inputs.iter().filter_map(read).collect();
                ready.push(Ready { index, inputs, outputs: self.read_outputs(node) });
            }
        }
        ready
    }

    /// What somebody will read of what `node` makes.
    fn read_outputs(&self, node: &Node) -> Vec<RequestedOutput> {
        let read = node.outputs.iter().filter(|(_, id)| self.readers[*id] > 0);
        read.map(|(name, _)| RequestedOutput { name: name.clone(), place: DeviceId::Cpu }).collect()
    }

    /// The request and its outputs, once all of them are there.
    fn take_answer(&mut self) -> Option<(Request, Response)> {
        if !self.wanted.iter().all(|&id| self.tensors[id].is_some()) {
            return None;
        }
        let mut request = self.request.take()?;
        request.times.steps = Some(self.spent);
        let wanted = std::mem::take(&mut self.wanted);
        let outputs = request.outputs.iter().zip(wanted);
        let outputs =
            outputs.filter_map(|(output, id)| Some((output.name.clone(), self.read(id)?)));
        let response = Response { outputs: outputs.collect() };
        Some((request, response))
    }
}

/// A node that can be started.
struct Ready {
    index: usize,
    inputs: Tensors,
    outputs: Vec<RequestedOutput>,
}

impl Run {
    /// Starts what can be started, and answers when all is there. Nothing is pushed or answered
    /// under the lock: a step may end before its push returns.
    fn go_on(self: &Arc<Self>) {
        let (answer, ready) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.take_answer(), state.take_ready(&self.graph))
        };
        if let Some((request, response)) = answer {
            return self.respond(request, response);
        }
        for node in ready {
            if let Err(error) = self.start_node(node) {
                return self.fail(error);
            }
        }
    }

    fn start_node(self: &Arc<Self>, ready: Ready) -> Result<(), InferError> {
        let Ready { index, inputs, outputs } = ready;
        let target = &self.graph.nodes[index].target;
        let found = self.snapshot.find(target)?;
        let admitted = admission::fit(&found.served.definition.spec, &self.id, inputs)?;
        let run = self.clone();
        let home = Home::Then(Box::new(move |answer, times| run.ended(index, answer, times)));
        let mut request = Request::new(admitted.inputs, admitted.rows, home);
        request.id = self.id.clone();
        request.outputs = outputs;
        request.parameters = self.parameters.clone();
        request.priority = self.priority;
        request.deadline = self.deadline;
        request.cancel = self.cancel.clone();
        request.hold.clone_from(&self.hold);
        // A request that nobody takes was answered, and so comes back as this node's end.
        let _answered = found.push(target, request);
        Ok(())
    }

    /// A step has answered; this runs wherever its answer arrived.
    fn ended(self: &Arc<Self>, index: usize, answer: Answer, times: &Times) {
        match answer {
            Ok(response) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.store(&self.graph.nodes[index].outputs, response.outputs);
                state.spent += times.stages();
                drop(state);
                self.go_on();
            }
            Err(error) => self.fail(error),
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
    fn fail(&self, error: InferError) {
        let request = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.tensors.fill(None);
            state.request.take()
        };
        if let Some(request) = request {
            self.cancel.raise();
            let ensemble = self.graph.name.clone();
            request.respond(Err(InferError::Step { ensemble, source: Box::new(error) }));
        }
    }
}

fn id_of(names: &[(Arc<str>, TensorId)], name: &str) -> Option<TensorId> {
    names.iter().find(|(key, _)| **key == *name).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests;
