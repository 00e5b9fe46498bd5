//! Who counts what happened. The server implements [`Observer`] once for each model version; a
//! request and its batch tell it by themselves, so no path can forget to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::InferError;
use crate::parts::Times;

/// Watches the requests and batches of one model version.
pub trait Observer: Send + Sync {
    /// A request is about to be answered. `error` is its failure, if it has one.
    fn answered(&self, rows: usize, times: &Times, error: Option<&InferError>);

    /// A batch of `rows` has run and is about to be answered.
    fn executed(&self, rows: usize, times: &Times);

    /// Where this model's copies are counted.
    fn copies(&self) -> &CopyCounter;
}

/// Why bytes were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// From the host to a device.
    HostToDevice,
    /// From a device to the host.
    DeviceToHost,
    /// From a device's memory to its own, or to another device's.
    DeviceToDevice,
    /// Within one memory, to make one batch of several requests.
    Gather,
    /// On the host, because a tensor's memory was not aligned for its type.
    Realign,
}

impl Copy {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 5] =
        [Self::HostToDevice, Self::DeviceToHost, Self::DeviceToDevice, Self::Gather, Self::Realign];

    /// The value of the metric's `direction` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::HostToDevice => "host_to_device",
            Self::DeviceToHost => "device_to_host",
            Self::DeviceToDevice => "device_to_device",
            Self::Gather => "gather",
            Self::Realign => "realign",
        }
    }
}

/// Bytes that were copied for one model version, by reason.
#[derive(Debug, Default)]
pub struct CopyCounter([AtomicU64; Copy::ALL.len()]);

impl CopyCounter {
    /// Counts one copy.
    pub fn add(&self, copy: Copy, size_bytes: usize) {
        // A `usize` has at most 64 bits, so nothing is lost.
        self.0[copy as usize].fetch_add(size_bytes as u64, Ordering::Relaxed);
    }

    /// Bytes copied for this reason so far.
    pub fn get(&self, copy: Copy) -> u64 {
        self.0[copy as usize].load(Ordering::Relaxed)
    }
}

/// Watches nothing but the copies: for whoever runs a batch without a server.
impl Observer for CopyCounter {
    fn answered(&self, _: usize, _: &Times, _: Option<&InferError>) {}

    fn executed(&self, _: usize, _: &Times) {}

    fn copies(&self) -> &CopyCounter {
        self
    }
}
