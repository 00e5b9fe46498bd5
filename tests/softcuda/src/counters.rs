//! What the device did, counted, to be compared with what a program says it did.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counter {
    HostToDeviceCalls,
    HostToDeviceBytes,
    DeviceToHostCalls,
    DeviceToHostBytes,
    DeviceToDeviceCalls,
    DeviceToDeviceBytes,
    /// Copies between two devices; they are none within a device.
    PeerCalls,
    PeerBytes,
    /// Bytes of other devices that kernels touched, each once a launch.
    PeerTouchedBytes,
    Fills,
    Launches,
    GraphLaunches,
    Instructions,
    Allocations,
    Frees,
    StreamWaits,
}

/// In the order of `Counter`.
const NAMES: [&str; 16] = [
    "h2d_calls",
    "h2d_bytes",
    "d2h_calls",
    "d2h_bytes",
    "d2d_calls",
    "d2d_bytes",
    "peer_calls",
    "peer_bytes",
    "peer_touched_bytes",
    "memsets",
    "launches",
    "graph_launches",
    "instructions",
    "allocations",
    "frees",
    "stream_syncs",
];

/// Counts since the library was loaded.
#[derive(Default)]
pub(crate) struct Counters([AtomicU64; NAMES.len()]);

impl Counters {
    pub(crate) fn add(&self, counter: Counter, count: u64) {
        self.0[counter as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Names and counts.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// The count of that name.
    pub(crate) fn named(&self, name: &str) -> Option<u64> {
        let place = NAMES.iter().position(|known| *known == name)?;
        Some(self.0[place].load(Ordering::Relaxed))
    }
}
