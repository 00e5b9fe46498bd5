//! A queue whose instances are on devices: without a device that works it cannot answer. It takes
//! requests all the same, and answers why.

use std::sync::Arc;

use nereid_backend::request::Request;
use nereid_kernels::device::Device;

use crate::registry::{Catalog, Route, Snapshot};
use crate::scheduler::Refused;

/// Stands before the queue.
pub struct Watched {
    /// Where requests wait.
    pub queue: Arc<dyn Route>,
    /// The devices that have all of its instances.
    pub devices: Vec<Device>,
}

impl Route for Watched {
    fn push(&self, request: Request, snapshot: &Snapshot) -> Result<(), Refused> {
        self.queue.push(request, snapshot)
    }

    fn is_able(&self, catalog: &Catalog) -> bool {
        !self.devices.iter().all(Device::is_lost) && self.queue.is_able(catalog)
    }

    fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    fn close(&self) {
        self.queue.close();
    }
}
