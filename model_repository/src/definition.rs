//! What a model version is, complete and consistent: the end of this room's work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::spec::ModelSpec;
use nereid_proto::inference::ModelConfig;

use crate::labels::Labels;

/// One version of a model, ready to be loaded.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What clients are shown: as the user wrote it, completed.
    pub config: ModelConfig,
    /// What the engine needs.
    pub spec: Arc<ModelSpec>,
    /// Who runs it.
    pub scheduling: Scheduling,
    /// The names of classes, for the outputs that have them.
    pub labels: Labels,
    /// What the user should know, though the model can be served.
    pub warnings: Vec<String>,
}

impl Definition {
    /// The models of an ensemble's steps; none for other models.
    pub fn steps(&self) -> Vec<String> {
        match &self.scheduling {
            Scheduling::Ensemble(steps) => steps.iter().map(|step| step.model.clone()).collect(),
            Scheduling::Queue { .. } => Vec::new(),
        }
    }
}

/// How a model's requests are run.
#[derive(Clone, Debug)]
pub enum Scheduling {
    /// By instances of the backend of this name, which wait at one queue.
    Queue {
        /// A name of [`nereid_backend::backend::Backend::name`].
        backend: &'static str,
        /// When they run together.
        batching: Batching,
    },
    /// By other models.
    Ensemble(Vec<Step>),
}

/// Which requests run together, and how many may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Most rows in a batch of several requests; 1 without dynamic batching.
    pub rows_max: usize,
    /// Longest that the oldest request waits for company.
    pub delay_max: Duration,
    /// Most requests that wait.
    pub queue_max: usize,
    /// Inputs whose shapes may differ within a batch, the backend willing.
    pub ragged: Vec<Arc<str>>,
}

/// One step of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The model that runs it.
    pub model: String,
    /// Its version, or the highest that is ready.
    pub version: Option<u64>,
    /// The model's input -> the ensemble's tensor.
    pub inputs: BTreeMap<Arc<str>, Arc<str>>,
    /// The model's output -> the ensemble's tensor.
    pub outputs: BTreeMap<Arc<str>, Arc<str>>,
}
