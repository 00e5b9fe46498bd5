//! What an instance has of a device: a stream, and the kernels; and what all engines do alike with
//! them. A batch's inputs become one tensor on the device ([`Executor::gather`]), kernels read and write
//! memory that a [`Work`] keeps, and requests are answered when the stream has come so far
//! ([`Executor::answer`]). Nothing here brings an output to the host: that is the server's.

mod gather;
mod places;
mod tenant;
mod work;

use std::sync::Arc;

use nereid_backend::backend::Running;
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};

pub use tenant::Tenant;
pub use work::Work;

use crate::cuda::Kernels;
use crate::device::{Devices, Priority, Stream};

/// Makes the executors of an engine's instances. Those of one device, be they of other engines, share its
/// kernels, which are loaded for the first and go with the last.
pub struct Executors {
    devices: Devices,
}

/// Two streams of a device, and the kernels for it. What is uploaded for a batch need not wait until
/// those before it are computed.
pub struct Executor {
    stream: Stream,
    uploads: Stream,
    kernels: Arc<Kernels>,
}

impl Executors {
    /// On these devices, which may be none.
    pub fn new(devices: Devices) -> Self {
        Self { devices }
    }

    /// The devices.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// For an instance of `tenant` on `device`.
    ///
    /// # Errors
    /// When there is no such device, with those that there are, or why there are none; when it is
    /// lost, or does not take the kernels.
    pub fn open(&self, device: DeviceId, tenant: &Tenant) -> Result<Executor, LoadError> {
        let device = self.devices.find(device)?;
        let stream = |priority| {
            device.stream_within(tenant.name.clone(), priority, tenant.budget(device.id()))
        };
        let (stream, uploads) = (stream(tenant.priority)?, stream(Priority::Greatest)?);
        let kernels = device.common(|| Kernels::load(device))?;
        Ok(Executor { stream, uploads, kernels })
    }
}

impl Executor {
    /// Whose work the kernels are.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whose work brings inputs to the device, for kernels that wait there for it.
    pub fn uploads(&self) -> &Stream {
        &self.uploads
    }

    /// Where its outputs are.
    pub fn device(&self) -> DeviceId {
        self.stream.device().id()
    }

    /// Why a call of a library failed: what it `said`, unless the device is lost, which each library tells in
    /// words of its own.
    pub fn cause(&self, said: InferError) -> InferError {
        self.stream.record().err().map_or(said, InferError::from)
    }

    /// Has `respond` answer the batch's requests, on the device's reaper, when all that the stream was
    /// given by now is done. If the device fails, they are answered with that instead.
    pub fn answer(&self, batch: Batch, respond: impl FnOnce(Batch) + Send + 'static) -> Running {
        let after = match self.stream.record() {
            Ok(event) => Box::new(event),
            Err(error) => {
                batch.fail(&error.into());
                return Running::Done;
            }
        };
        let finish = move |ended| match ended {
            Ok(()) => {
                let mut batch = batch;
                batch.computed();
                respond(batch);
            }
            Err(error) => batch.fail(&error),
        };
        Running::OnDevice { after, finish: Box::new(finish) }
    }
}

#[cfg(test)]
mod tests;
