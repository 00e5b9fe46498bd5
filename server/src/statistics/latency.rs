//! How requests spread over latencies: a count for each of a few classes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The highest latency of each class, in microseconds; a last class has all that is slower.
pub const BOUNDS_US: [u64; 13] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// Requests by their latency, in the order of [`BOUNDS_US`], and those that are slower.
pub type Latencies = [u64; BOUNDS_US.len() + 1];

/// [`Latencies`] that many threads add to. It is the count of requests as well, so it costs a
/// request nothing.
#[derive(Debug, Default)]
pub(super) struct Spread([AtomicU64; BOUNDS_US.len() + 1]);

impl Spread {
    pub(super) fn add(&self, latency: Duration) {
        let class = BOUNDS_US.partition_point(|&bound| Duration::from_micros(bound) < latency);
        self.0[class].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Latencies {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_class() {
        #[track_caller]
        fn check(latency_ns: u64, class: usize) {
            let spread = Spread::default();
            spread.add(Duration::from_nanos(latency_ns));
            let mut expected = Latencies::default();
            expected[class] = 1;
            assert_eq!(spread.counts(), expected);
        }
        check(0, 0);
        check(500_000, 0);
        check(500_001, 1);
        check(1_000_000, 1);
        check(10_000_000_000, 12);
        check(10_000_000_001, 13);
        check(u64::MAX, 13);
    }
}
