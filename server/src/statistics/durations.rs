//! Sums of durations: one that is read, and one that many threads add to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often something happened, and how long it took in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How often.
    pub count: u64,
    /// The sum of all durations, in nanoseconds.
    pub ns: u64,
}

/// A sum of durations. What they are the durations of is counted elsewhere, once for all the sums
/// that grow together: each atomic is paid for by every request.
#[derive(Debug, Default)]
pub(super) struct Sum(AtomicU64);

impl Sum {
    pub(super) fn add(&self, duration: Duration) {
        self.0.fetch_add(nanoseconds(duration), Ordering::Relaxed);
    }

    /// The sum, which is that of `count` durations.
    pub(super) fn total(&self, count: u64) -> Total {
        Total { count, ns: self.0.load(Ordering::Relaxed) }
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
