//! What of an ensemble's request is there, who still waits for what, and what can be started.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::parts::{RequestedOutput, Stages, Tensors};
use nereid_backend::request::{Request, Response};
use nereid_backend::tensor::Tensor;

use crate::ensemble::graph::{Graph, Node, TensorId};
use crate::ensemble::run::parts::{PARTS_OF_ALL_MAX, Parts};
use crate::places::Place;

/// One request on its way; changed under a lock by whoever brings a step's answer.
pub(super) struct State {
    /// The client's request, until it is answered.
    request: Option<(Request, Place)>,
    wanted: Vec<TensorId>,
    tensors: Vec<Slot>,
    /// How many will still read each tensor.
    readers: Vec<usize>,
    /// Nodes that must run, and have not been started.
    is_pending: Vec<bool>,
    /// The answers so far of nodes that run as several requests.
    parts: BTreeMap<usize, Parts>,
    /// How many of such requests there were.
    parts_of_all: usize,
    /// What those that have ended have spent.
    spent: Stages,
    looking: Looking,
}

/// Whether somebody looks for nodes to start. There is one at a time; of a request that is answered
/// it stays the last.
enum Looking {
    Nobody,
    Somebody,
    /// Somebody, who must look again: more was made meanwhile.
    Again,
}

/// What is known of a tensor.
#[derive(Clone)]
enum Slot {
    /// It is still to be made, or nobody will read it any more.
    Open,
    /// It is there.
    Made(Made),
    /// An optional input that the client has left out. Steps run without it, or are refused.
    LeftOut,
    /// Its step is not run. Steps that need it are not, either.
    NotMade,
}

/// A tensor that is there.
#[derive(Clone)]
pub(super) struct Made {
    /// Where it was made.
    pub(super) tensor: Tensor,
    /// Its copy on the host, if somebody needs one.
    pub(super) on_host: Option<Tensor>,
}

impl Made {
    /// On the host, if it is there.
    pub(super) fn on_host(self) -> Tensor {
        self.on_host.unwrap_or(self.tensor)
    }
}

/// A node that can be started.
pub(super) struct Ready {
    pub(super) index: usize,
    pub(super) inputs: Vec<(Arc<str>, Made)>,
    /// What somebody will read of what it makes.
    pub(super) outputs: Vec<RequestedOutput>,
}

impl State {
    /// Of a `request`, less its inputs, that wants these tensors, for which the nodes `is_pending` must run.
    pub(super) fn new(
        graph: &Graph,
        (request, place): (Request, Place),
        wanted: Vec<TensorId>,
        is_pending: Vec<bool>,
    ) -> Self {
        let mut readers = vec![0; graph.tensors];
        let nodes = graph.nodes.iter().zip(&is_pending).filter(|(_, is_pending)| **is_pending);
        let needs = nodes.flat_map(|(node, _)| node.needs());
        for tensor in needs.chain(wanted.iter().copied()) {
            readers[tensor] += 1;
        }
        let mut tensors = vec![Slot::Open; graph.tensors];
        graph.inputs.iter().for_each(|(_, id)| tensors[*id] = Slot::LeftOut);
        Self {
            request: Some((request, place)),
            wanted,
            tensors,
            readers,
            is_pending,
            parts: BTreeMap::new(),
            parts_of_all: 0,
            spent: Stages::default(),
            looking: Looking::Nobody,
        }
    }

    /// Keeps what somebody will read of what was `made`.
    pub(super) fn store(&mut self, names: &[(Arc<str>, TensorId)], made: Tensors) {
        for (name, tensor) in made {
            if let Some(id) = id_of(names, &name)
                && self.readers[id] > 0
            {
                self.tensors[id] = Slot::Made(Made { tensor, on_host: None });
            }
        }
    }

    /// Keeps copies on the host of what was stored, too.
    pub(super) fn store_on_host(&mut self, names: &[(Arc<str>, TensorId)], copies: Tensors) {
        for (name, copy) in copies {
            if let Some(id) = id_of(names, &name)
                && let Slot::Made(made) = &mut self.tensors[id]
            {
                made.on_host = Some(copy);
            }
        }
    }

    /// Whether the client wants this tensor, and on the host.
    pub(super) fn is_answered_on_host(&self, id: TensorId) -> bool {
        let outputs = self.request.iter().flat_map(|(request, _)| &request.outputs);
        let mut wanted = outputs.zip(&self.wanted);
        wanted.any(|(output, wanted)| *wanted == id && output.place == Some(DeviceId::Cpu))
    }

    /// The nodes that have not been started.
    pub(super) fn pending<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g Node> {
        let nodes = graph.nodes.iter().zip(&self.is_pending);
        nodes.filter(|(_, is_pending)| **is_pending).map(|(node, _)| node)
    }

    /// Adds what a step has spent.
    pub(super) fn spend(&mut self, stages: Stages) {
        self.spent += stages;
    }

    /// Notes that this node runs as so many requests.
    ///
    /// # Errors
    /// [`InferError::Invalid`] when all nodes together have more than [`PARTS_OF_ALL_MAX`].
    pub(super) fn expect_parts(&mut self, index: usize, parts: usize) -> Result<(), InferError> {
        self.parts_of_all += parts;
        if self.parts_of_all > PARTS_OF_ALL_MAX {
            return Err(InferError::Invalid(format!(
                "with this step, the request would be {} requests to models of its steps because \
                 of their rows; it may be at most {PARTS_OF_ALL_MAX}",
                self.parts_of_all
            )));
        }
        self.parts.insert(index, Parts::new(parts));
        Ok(())
    }

    /// Keeps one part of what a node makes; all of them once the last is there.
    pub(super) fn part(
        &mut self,
        index: usize,
        part: usize,
        made: Tensors,
    ) -> Option<Vec<Tensors>> {
        let whole = self.parts.get_mut(&index)?.put(part, made)?;
        self.parts.remove(&index);
        Some(whole)
    }

    /// Whether the caller is to look for nodes to start; else, whoever does it looks again.
    pub(super) fn begin(&mut self) -> bool {
        let is_first = matches!(self.looking, Looking::Nobody);
        self.looking = if is_first { Looking::Somebody } else { Looking::Again };
        is_first
    }

    /// Whether who has looked, and started what there was, is done.
    pub(super) fn is_over(&mut self) -> bool {
        let is_over = matches!(self.looking, Looking::Somebody);
        self.looking = if is_over { Looking::Nobody } else { Looking::Somebody };
        is_over
    }

    /// The nodes that can be started. One whose condition says no, or that lacks what it needs, is
    /// not run, and what it would make is not made.
    pub(super) fn take_ready(&mut self, graph: &Graph) -> Vec<Ready> {
        let mut ready = Vec::new();
        // They are in the order of their needs, so that one pass finds all.
        for (index, node) in graph.nodes.iter().enumerate() {
            if self.request.is_none() || !self.is_pending[index] || !self.knows(node) {
                continue;
            }
            self.is_pending[index] = false;
            let is_wished = node
                .condition
                .is_none_or(|id| self.read(id).is_some_and(|made| is_yes(&made.on_host())));
            let lacks = node.inputs.iter().any(|input| {
                input.is_required && matches!(self.tensors[input.tensor], Slot::NotMade)
            });
            let inputs = self.read_inputs(node);
            if is_wished && !lacks {
                ready.push(Ready { index, inputs, outputs: self.read_outputs(node) });
            } else {
                node.outputs.iter().for_each(|(_, id)| self.tensors[*id] = Slot::NotMade);
            }
        }
        ready
    }

    /// The request and its outputs, once all of them are there or will never be.
    pub(super) fn take_answer(&mut self) -> Option<(Request, Response)> {
        if !self.wanted.iter().all(|&id| self.is_known(id)) {
            return None;
        }
        let mut request = self.take_request()?;
        request.times.steps = Some(self.spent);
        let wanted = std::mem::take(&mut self.wanted);
        let outputs = request.outputs.iter().zip(wanted);
        let outputs = outputs.filter_map(|(output, id)| {
            let made = self.read(id)?;
            let tensor = if output.place.is_some() { made.on_host() } else { made.tensor };
            Some((output.name.clone(), tensor))
        });
        let response = Response { outputs: outputs.collect() };
        Some((request, response))
    }

    /// The request, for its error; nothing is kept for it any more.
    pub(super) fn take_failed(&mut self) -> Option<Request> {
        self.tensors.fill(Slot::Open);
        self.parts.clear();
        self.take_request()
    }

    /// Its place is free before it is answered: whoever has an answer may ask again.
    fn take_request(&mut self) -> Option<Request> {
        self.request.take().map(|(request, _free)| request)
    }

    /// Whether all that `node` needs is there, or known not to come.
    fn knows(&self, node: &Node) -> bool {
        node.needs().all(|id| self.is_known(id))
    }

    fn is_known(&self, id: TensorId) -> bool {
        !matches!(self.tensors[id], Slot::Open)
    }

    /// The tensor for one reader; the last one gets it for good.
    fn read(&mut self, id: TensorId) -> Option<Made> {
        self.readers[id] = self.readers[id].saturating_sub(1);
        let slot = if self.readers[id] == 0 {
            std::mem::replace(&mut self.tensors[id], Slot::Open)
        } else {
            self.tensors[id].clone()
        };
        if let Slot::Made(made) = slot { Some(made) } else { None }
    }

    fn read_inputs(&mut self, node: &Node) -> Vec<(Arc<str>, Made)> {
        let read = node.inputs.iter().map(|input| (&input.name, self.read(input.tensor)));
        read.filter_map(|(name, made)| Some((name.clone(), made?))).collect()
    }

    fn read_outputs(&self, node: &Node) -> Vec<RequestedOutput> {
        let read = node.outputs.iter().filter(|(_, id)| self.readers[*id] > 0);
        read.map(|(name, _)| RequestedOutput { name: name.clone(), place: None }).collect()
    }
}

/// The tensor of this name.
pub(super) fn id_of(names: &[(Arc<str>, TensorId)], name: &str) -> Option<TensorId> {
    names.iter().find(|(key, _)| **key == *name).map(|(_, id)| *id)
}

/// Whether any of its elements is not 0.
fn is_yes(condition: &Tensor) -> bool {
    condition.host().is_some_and(|bytes| bytes.iter().any(|&byte| byte != 0))
}
