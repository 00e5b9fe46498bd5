//! What can go wrong with a device, and what a request that meets it is answered.

use std::sync::Arc;

use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};

use super::sys::Failure;

/// Why a device did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// An error has ended the context, here or earlier.
    #[error("device {device} is lost ({cause}); restart the server to use it again")]
    Lost {
        /// The device.
        device: DeviceId,
        /// The first error.
        cause: Arc<str>,
    },
    /// The limit is reached, or the driver has no more.
    #[error(
        "{what} of {device}: {asker} asked for {asked} bytes, {in_use} of {limit} are in use{}",
        reason.as_deref().unwrap_or_default()
    )]
    OutOfMemory {
        /// `device memory` or `pinned memory`.
        what: &'static str,
        /// The device.
        device: DeviceId,
        /// Whose stream it was for.
        asker: Arc<str>,
        /// Bytes that were asked for.
        asked: usize,
        /// Bytes that are in use through this layer.
        in_use: usize,
        /// Bytes that may be.
        limit: usize,
        /// What the driver said, if it was not the limit.
        reason: Option<String>,
    },
    /// A range that does not lie within its memory.
    #[error("bytes {start} to {end} asked of {what} that has {size}")]
    Range {
        /// Whose range.
        what: &'static str,
        /// The first byte.
        start: usize,
        /// Behind the last one.
        end: usize,
        /// How many there are.
        size: usize,
    },
    /// Memory of another device than the stream's.
    #[error(
        "memory of {memory} given to a stream of {stream}; it has to be copied between devices"
    )]
    OtherDevice {
        /// Where the memory is.
        memory: DeviceId,
        /// Where the stream is.
        stream: DeviceId,
    },
    /// Another process's memory that is on another device than was said.
    #[error("the shared memory is on {memory}, not on {device}")]
    SharedElsewhere {
        /// Where it is.
        memory: DeviceId,
        /// Where it was said to be.
        device: DeviceId,
    },
    /// A module that the driver does not take.
    #[error("the kernels do not load on {device}: {text}")]
    Module {
        /// The device.
        device: DeviceId,
        /// The driver's error and its compiler's log.
        text: String,
    },
    /// A launch that does not fit the device or its kernel.
    #[error("kernel '{kernel}' on {device}: {text}")]
    Launch {
        /// The kernel.
        kernel: Arc<str>,
        /// The device.
        device: DeviceId,
        /// What does not fit.
        text: String,
    },
    /// Memory is given out in stream order alone.
    #[error("{0} has no memory pools (cuMemAllocAsync), as some virtual GPUs; Nereid needs them")]
    NoMemoryPools(DeviceId),
    /// The operating system refused the device's thread.
    #[error("{0} gets no reaper thread: {1}")]
    Reaper(DeviceId, String),
    /// Any other call that failed.
    #[error("{device}: {text}")]
    Driver {
        /// The device.
        device: DeviceId,
        /// The call, and its error.
        text: String,
    },
}

impl DeviceError {
    pub(super) fn driver(device: DeviceId, failure: Failure) -> Self {
        Self::Driver { device, text: failure.to_string() }
    }
}

impl From<DeviceError> for InferError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Lost { .. } => Self::DeviceLost(error.to_string().into()),
            DeviceError::OutOfMemory { .. } => Self::Overloaded(error.to_string()),
            other => Self::Backend(other.to_string().into()),
        }
    }
}

impl From<DeviceError> for LoadError {
    fn from(error: DeviceError) -> Self {
        Self::new(error.to_string())
    }
}
