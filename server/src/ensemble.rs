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
use crate::registry::Catalog;

/// An ensemble that takes requests.
pub struct Ensemble(Arc<Graph>);

impl Ensemble {
    /// An ensemble of this graph.
    pub fn new(graph: Graph) -> Self {
        Self(Arc::new(graph))
    }

    /// Starts the steps that `request` needs; all of them are found in `snapshot`. `observer` is
    /// told of the answer.
    pub fn start(
        &self,
        mut request: Request,
        observer: Arc<dyn Observer>,
        snapshot: &Arc<Catalog>,
    ) {
        request.observe(observer.clone());
        run::start(self.0.clone(), request, observer, snapshot.clone());
    }
}
