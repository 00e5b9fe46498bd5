//! Where tensors leave devices: the one place that brings them to the host, for clients and for steps
//! of ensembles that need them there. Instances leave their outputs where they make them.
//!
//! A device has a stream for that, so that the next batch computes meanwhile. A copy is started by
//! the thread that has the answer, if it may call the driver, and ended by the device's reaper; both
//! go on with what waits for it.

mod delivered;
mod placed;
mod watched;

pub use delivered::Delivered;
pub use placed::{Place, Placement};
pub use watched::Watched;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use nereid_backend::batch::Delivery;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;
use nereid_backend::parts::Tensors;
use nereid_backend::request::{Request, Response};
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::device::{
    DeviceBuffer, Devices, Download, Events, Priority, Stream, device_to_host,
};
use nereid_kernels::reaper::Reaper;

/// What is done when tensors are on the host, or cannot be brought there.
pub type Landed = Box<dyn FnOnce(Result<Tensors, InferError>) + Send>;

/// The devices, who waits for them, and the streams by which tensors leave them.
pub struct Edge {
    devices: Devices,
    /// For engines whose instances are on the host.
    host: Reaper,
    outputs: Vec<Stream>,
}

impl Edge {
    /// Of these devices; of one that is lost already, nothing leaves.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn new(devices: Devices) -> io::Result<Arc<Self>> {
        let stream = |device: &nereid_kernels::device::Device| {
            device.stream("outputs", Priority::Greatest).ok()
        };
        let outputs = devices.all().iter().filter_map(stream).collect();
        Ok(Arc::new(Self { devices, host: Reaper::start(DeviceId::Cpu)?, outputs }))
    }

    /// The devices.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Who waits for the batches of instances on `device`.
    pub fn reaper(&self, device: DeviceId) -> &Reaper {
        self.devices.find(device).map_or(&self.host, nereid_kernels::device::Device::reaper)
    }

    /// Brings those of `tensors` to the host that are on a device, but those that `stay`, and goes on with
    /// `landed`: here if none is. What is copied is counted by `observer`.
    pub fn to_host(
        self: &Arc<Self>,
        tensors: Tensors,
        stay: Vec<Arc<str>>,
        observer: Arc<dyn Observer>,
        landed: Landed,
    ) {
        let mut come = tensors.iter().filter(|(name, _)| !stay.contains(name));
        let buffer = come.find_map(|(_, tensor)| DeviceBuffer::of(tensor));
        let Some(device) = buffer.map(|(buffer, _)| buffer.owner().clone()) else {
            return landed(Ok(tensors));
        };
        let edge = self.clone();
        device.on_driver_thread(move || match edge.start(tensors, &stay, &*observer) {
            Ok((arriving, ends)) => edge.reaper(ends.device()).watch(
                Box::new(ends),
                Box::new(move |ended| {
                    landed(ended.and_then(|()| arriving.into_iter().map(Arriving::land).collect()));
                }),
            ),
            Err(error) => landed(Err(error)),
        });
    }

    fn start(
        &self,
        tensors: Tensors,
        stay: &[Arc<str>],
        observer: &dyn Observer,
    ) -> Result<(Vec<Arriving>, Events), InferError> {
        let (mut arriving, mut streams) = (Vec::with_capacity(tensors.len()), Vec::new());
        for (name, tensor) in tensors {
            let found = DeviceBuffer::of(&tensor).filter(|_| !stay.contains(&name));
            let Some((buffer, range)) = found else {
                arriving.push(Arriving { name, cargo: Cargo::Here(tensor) });
                continue;
            };
            let stream = self.outputs(tensor.device())?;
            let download = device_to_host(buffer, &range, stream, observer.copies())?;
            if !streams.iter().any(|other: &&Stream| other.is(stream)) {
                streams.push(stream);
            }
            let (data_type, shape) = (tensor.data_type(), tensor.shape().to_vec());
            arriving.push(Arriving { name, cargo: Cargo::Coming { download, data_type, shape } });
        }
        Ok((arriving, Events::of(&streams)?))
    }

    fn outputs(&self, device: DeviceId) -> Result<&Stream, InferError> {
        let stream = self.outputs.iter().find(|stream| stream.device().id() == device);
        stream.ok_or_else(|| InferError::DeviceLost(format!("nothing leaves {device}").into()))
    }
}

impl Delivery for Edge {
    fn deliver(
        self: Arc<Self>,
        mut request: Request,
        response: Response,
        observer: Arc<dyn Observer>,
    ) {
        if request.is_cancelled() {
            let id = request.id.clone();
            return request.respond(Err(InferError::Cancelled(id)));
        }
        let stay = request.outputs.iter().filter(|output| output.place.is_none());
        let stay = stay.map(|output| output.name.clone()).collect();
        let landed = move |outputs: Result<Tensors, InferError>| {
            request.times.outputs_ready = Some(Instant::now());
            request.respond(outputs.map(|outputs| Response { outputs }));
        };
        self.to_host(response.outputs, stay, observer, Box::new(landed));
    }
}

/// A tensor on its way.
struct Arriving {
    name: Arc<str>,
    cargo: Cargo,
}

enum Cargo {
    Here(Tensor),
    Coming { download: Download, data_type: DataType, shape: Vec<usize> },
}

impl Arriving {
    /// The tensor, once its copy is done.
    fn land(self) -> Result<(Arc<str>, Tensor), InferError> {
        let tensor = match self.cargo {
            Cargo::Here(tensor) => tensor,
            Cargo::Coming { download, data_type, shape } => {
                let bytes: Bytes = download.bytes()?;
                Tensor::new(data_type, shape, Storage::Host(bytes)).map_err(|error| {
                    InferError::Backend(format!("output '{}': {error}", self.name).into())
                })?
            }
        };
        Ok((self.name, tensor))
    }
}

#[cfg(test)]
mod tests;
