//! What both protocols stand on: the models, the limits, and whether requests are welcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::budget::Budget;
use nereid_backend::error::InferError;

use crate::registry::{Models, Served, Status, Target};

/// Extensions of KServe v2 that this server has, under Triton's names.
pub const EXTENSIONS: [&str; 5] =
    ["model_repository", "model_configuration", "binary_tensor_data", "parameters", "statistics"];

/// One server, shared by its protocols.
pub struct Server {
    /// The name it tells its clients.
    pub name: String,
    /// What is served.
    pub models: Models,
    /// Bytes of all requests and responses in flight.
    pub budget: Budget,
    /// Largest request.
    pub input_max_bytes: usize,
    /// Where the process is in its life.
    pub phase: Phase,
    /// Whether it is ready only if every model is.
    pub is_strict: bool,
}

impl Server {
    /// Finds a ready model.
    ///
    /// # Errors
    /// Which part of `target` is not there.
    pub fn ready(&self, target: &Target) -> Result<Arc<Served>, InferError> {
        self.models.snapshot().ready(target).cloned()
    }

    /// Whether this model should get requests.
    pub fn is_model_ready(&self, target: &Target) -> bool {
        self.phase.get() != Life::Stopping
            && self.ready(target).is_ok_and(|served| served.is_able())
    }

    /// Whether it should get requests: it has started, does not stop, and, if it is strict, every
    /// model is ready and has an instance.
    pub fn is_ready(&self) -> bool {
        if self.phase.get() != Life::Serving {
            return false;
        }
        let snapshot = self.models.snapshot();
        !self.is_strict
            || snapshot.entries().all(|(_, _, status)| match status {
                Status::Ready(served) => served.is_able(),
                _ => false,
            })
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Models are being loaded.
    Starting,
    /// Requests are welcome.
    Serving,
    /// What is in flight is finished, and nothing new is taken.
    Stopping,
}

/// A [`Life`] that many threads read and one writes.
#[derive(Clone, Debug, Default)]
pub struct Phase(Arc<AtomicU8>);

impl Phase {
    /// Where it is.
    pub fn get(&self) -> Life {
        match self.0.load(Ordering::Acquire) {
            0 => Life::Starting,
            1 => Life::Serving,
            _ => Life::Stopping,
        }
    }

    /// Goes on to `life`; nothing comes back from stopping.
    pub fn advance(&self, life: Life) {
        let number = match life {
            Life::Starting => 0,
            Life::Serving => 1,
            Life::Stopping => 2,
        };
        self.0.fetch_max(number, Ordering::AcqRel);
    }
}
