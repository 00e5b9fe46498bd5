//! What a model version is, complete and consistent: the end of this room's work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::spec::ModelSpec;
use nereid_proto::inference::ModelConfig;

use crate::labels::Labels;
use crate::warmup::Sample;

/// Requests that wait, for a queue whose configuration sets no limit (Triton has none; memory is
/// bounded by the bytes in flight as well). For an ensemble, those in flight.
pub const QUEUE_MAX_DEFAULT: usize = 65_536;

/// Most priority levels of a model: each is a queue that every batch looks at.
pub const PRIORITY_LEVELS_MAX: usize = 256;

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
    /// What each instance runs before the version is ready.
    pub warmup: Vec<Sample>,
    /// What the user should know, though the model can be served.
    pub warnings: Vec<String>,
}

impl Definition {
    /// The models of an ensemble's steps; none for other models.
    pub fn steps(&self) -> Vec<String> {
        match &self.scheduling {
            Scheduling::Ensemble(ensembling) => {
                ensembling.steps.iter().map(|step| step.model.clone()).collect()
            }
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
    Ensemble(Ensembling),
}

/// Which requests run together, and how many may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Most rows in a batch of several requests; 1 without dynamic batching.
    pub rows_max: usize,
    /// Rows of a batch that does not wait for more, ascending; none stands for `rows_max`.
    pub preferred: Vec<usize>,
    /// Longest that the oldest request waits for company.
    pub delay_max: Duration,
    /// How many may wait at each priority level, and for how long: the highest level first, and
    /// one for a model without levels.
    pub queues: Vec<QueuePolicy>,
    /// The level, from 1, of requests that ask for none.
    pub level_default: usize,
    /// Whether responses leave in the order of the requests, with several instances, too.
    pub preserves_order: bool,
    /// Inputs whose shapes may differ within a batch, the backend willing.
    pub ragged: Vec<Arc<str>>,
}

impl Default for Batching {
    /// Each request by itself.
    fn default() -> Self {
        Self {
            rows_max: 1,
            preferred: Vec::new(),
            delay_max: Duration::ZERO,
            queues: vec![QueuePolicy::default()],
            level_default: 1,
            preserves_order: false,
            ragged: Vec::new(),
        }
    }
}

/// How many requests may wait, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePolicy {
    /// Most requests that wait.
    pub requests_max: usize,
    /// Longest that a request waits before `timeout_action`.
    pub timeout: Option<Duration>,
    /// What becomes of a request then.
    pub timeout_action: TimeoutAction,
    /// Whether `timeout` is only for requests that do not say themselves how long they wait.
    pub is_timeout_overridable: bool,
}

impl Default for QueuePolicy {
    /// No timeout, and a limit that only memory needs.
    fn default() -> Self {
        Self {
            requests_max: QUEUE_MAX_DEFAULT,
            timeout: None,
            timeout_action: TimeoutAction::Reject,
            is_timeout_overridable: false,
        }
    }
}

/// What becomes of a request that has waited too long for its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutAction {
    /// It is refused.
    Reject,
    /// It runs, after all that came in time.
    Delay,
}

/// How an ensemble's requests are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensembling {
    /// The models that run them.
    pub steps: Vec<Step>,
    /// Most requests in flight at the same time.
    pub requests_max: usize,
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
    /// The ensemble's tensor that says whether the step is run; without one, it always is.
    pub condition: Option<Arc<str>>,
}
