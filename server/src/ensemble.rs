//! Models made of other models: a graph of steps over shared tensors.
//!
//! [`graph`] is what the configuration says, checked when the ensemble is loaded; `run` is one
//! request's way through it. Steps without mutual dependency run at the same time, tensors go from
//! step to step by reference, and a step's answer starts the next one where it arrives.

pub mod graph;
mod run;

use std::sync::Arc;

use nereid_backend::observer::Observer;
use nereid_backend::request::Request;

use crate::ensemble::graph::Graph;
use crate::registry::{Catalog, Route, Snapshot};
use crate::scheduler::Refused;

/// An ensemble that takes requests.
pub struct Ensemble {
    graph: Arc<Graph>,
    observer: Arc<dyn Observer>,
}

impl Ensemble {
    /// An ensemble of this graph, which tells `observer` of its answers.
    pub fn new(graph: Graph, observer: Arc<dyn Observer>) -> Self {
        Self { graph: Arc::new(graph), observer }
    }
}

impl Route for Ensemble {
    /// Starts the steps that the request needs.
    fn push(&self, mut request: Request, snapshot: &Snapshot) -> Result<(), Refused> {
        request.observe(self.observer.clone());
        run::start(self.graph.clone(), request, self.observer.clone(), snapshot.clone());
        Ok(())
    }

    /// It is as able as all of its steps.
    fn is_able(&self, catalog: &Catalog) -> bool {
        self.graph.nodes.iter().all(|node| catalog.is_able(&node.target))
    }

    /// Requests wait at the queues of its steps.
    fn waiting(&self) -> usize {
        0
    }

    /// It holds nothing: what it has started goes on in the queues of its steps.
    fn close(&self) {}
}
