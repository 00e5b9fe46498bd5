//! What both protocols stand on: the models, the limits, and whether requests are welcome.

use std::sync::Arc;

use nereid_backend::error::InferError;
use nereid_kernels::device::{Device, Devices};
use tokio::sync::watch;

use crate::budget::Budget;
use crate::lifecycle::{Control, UNLOADED};
use crate::places::{Place, Places};
use crate::regions::Regions;
use crate::registry::{Models, Status, Target};

/// Extensions of KServe v2 that this server has, under Triton's names and in its order.
pub const EXTENSIONS: [&str; 9] = [
    "classification",
    "model_repository",
    "model_repository(unload_dependents)",
    "schedule_policy",
    "model_configuration",
    "cuda_shared_memory",
    "binary_tensor_data",
    "parameters",
    "statistics",
];

/// One server, shared by its protocols.
pub struct Server {
    /// The name it tells its clients.
    pub name: String,
    /// What is served.
    pub models: Models,
    /// How clients load and unload models; `None` unless the control mode is explicit.
    pub control: Option<Control>,
    /// Bytes of all requests and responses in flight.
    pub budget: Budget,
    /// Inference requests in flight.
    pub places: Places,
    /// Largest request.
    pub input_bytes_max: usize,
    /// Where the process is in its life.
    pub life: watch::Receiver<Life>,
    /// Whether it is ready only if every model is.
    pub is_strict: bool,
    /// The CUDA devices, if there are any.
    pub devices: Devices,
    /// What clients have registered of shared memory.
    pub regions: Arc<Regions>,
}

impl Server {
    /// A place for one more inference request, which it has until its answer is ready.
    ///
    /// # Errors
    /// [`InferError::Overloaded`] when all are taken.
    pub fn admit(&self) -> Result<Place, InferError> {
        self.places.take().ok_or_else(|| {
            InferError::Overloaded(format!(
                "the server has {} requests in flight and admits no more \
                 (--inflight-request-count), try again later",
                self.places.limit()
            ))
        })
    }

    /// Whether the process should go on: a device that is lost comes back only with a new one. One
    /// that stops is alive, since to kill it would lose requests.
    pub fn is_live(&self) -> bool {
        !self.devices.all().iter().any(Device::is_lost)
    }

    /// Whether this model should get requests.
    pub fn is_model_ready(&self, target: &Target) -> bool {
        let is_welcome = matches!(*self.life.borrow(), Life::Starting | Life::Serving);
        is_welcome && self.models.snapshot().is_able(target)
    }

    /// Whether it should get requests: it has started, does not stop, and, if it is strict, every
    /// model is ready and has an instance, or was unloaded.
    pub fn is_ready(&self) -> bool {
        if *self.life.borrow() != Life::Serving {
            return false;
        }
        let snapshot = self.models.snapshot();
        !self.is_strict
            || snapshot.entries().all(|(_, _, status)| match status {
                Status::Ready(served) => served.route.is_able(&snapshot),
                Status::Unavailable(reason) => **reason == *UNLOADED,
                Status::Loading | Status::Unloading => false,
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
    /// Requests are still served, but nobody should send more: ready says no, so that load balancers
    /// go elsewhere before the ports close.
    Draining,
    /// What is in flight is finished, and nothing new is taken.
    Stopping,
}
