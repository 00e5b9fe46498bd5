//! Models made of other models: a graph of steps over shared tensors.
//!
//! [`graph`] is what the configuration says, checked when the ensemble is loaded; `run` is one
//! request's way through it. Steps without mutual dependency run at the same time, tensors go from
//! step to step by reference, and a step's answer starts the next one where it arrives.
//!
//! Beyond Triton's: a step may have a condition, and one that is not run makes nothing; a step of
//! more rows than its model takes at a time is several requests, and one of no rows is none.

pub mod graph;
pub mod nesting;
mod run;

use std::sync::Arc;

use nereid_backend::observer::Observer;
use nereid_backend::request::Request;

use crate::edge::Edge;
use crate::ensemble::graph::Graph;
use crate::places::Places;
use crate::registry::{Catalog, Route, Snapshot};
use crate::scheduler::{Refusal, Refused};

/// An ensemble that takes requests.
pub struct Ensemble {
    graph: Arc<Graph>,
    places: Places,
    observer: Arc<dyn Observer>,
    edge: Arc<Edge>,
}

impl Ensemble {
    /// An ensemble of this graph for `requests_max` requests at the same time, which tells
    /// `observer` of its answers. What has to be on the host leaves devices by `edge`.
    pub fn new(
        graph: Graph,
        requests_max: usize,
        observer: Arc<dyn Observer>,
        edge: Arc<Edge>,
    ) -> Self {
        Self { graph: Arc::new(graph), places: Places::new(requests_max), observer, edge }
    }
}

impl Route for Ensemble {
    /// Starts the steps that the request needs.
    fn push(&self, mut request: Request, snapshot: &Snapshot) -> Result<(), Refused> {
        request.observe(self.observer.clone());
        let Some(place) = self.places.take() else { return Err((request, Refusal::Full)) };
        let way = (self.observer.clone(), self.edge.clone());
        run::start(self.graph.clone(), (request, place), way, snapshot.clone());
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
