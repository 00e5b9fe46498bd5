//! Quantiles of the latest durations, for those who ask for summaries.
//!
//! Prometheus wants them over a sliding window. It is `SLICES` histograms of `SLICE` each, the
//! oldest of which is emptied when time comes to it again. They grow with the longest duration
//! that they have seen, up to `LONGEST_US`: 100 KiB for a model of up to 10 ms, 325 KiB at most.
//! A request takes one lock, which is why summaries are not counted unless somebody wants them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// What is summarised: the request, its wait in the queue, and the three stages of computing.
pub const STAGES: usize = 5;

/// The window is as long as that of Triton's summaries: a minute.
const SLICES: usize = 5;
const SLICE: Duration = Duration::from_secs(12);

/// Quantiles are exact to one in a hundred.
const DIGITS: u8 = 2;

/// Longer durations, of an hour and more, count as this one.
const LONGEST_US: u64 = 3_600_000_000;

/// The latest durations of each stage.
#[derive(Debug)]
pub(super) struct Summaries {
    since: Instant,
    slices: Mutex<[Slice; SLICES]>,
}

impl Summaries {
    /// Without any duration; `since` is the earliest time that it will be told.
    pub(super) fn new(since: Instant) -> Self {
        Self { since, slices: Mutex::new(std::array::from_fn(|_| Slice::new())) }
    }

    /// Notes a request that ended `now`.
    pub(super) fn add(&self, now: Instant, durations: [Duration; STAGES]) {
        let period = self.period(now);
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slice) = slices.get_mut(slot(period)) else { return };
        if slice.period < period {
            slice.stages.iter_mut().for_each(Histogram::reset);
            slice.period = period;
        }
        for (stage, duration) in slice.stages.iter_mut().zip(durations) {
            let us = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US);
            let _only_if_it_cannot_grow = stage.record(us.min(LONGEST_US));
        }
    }

    /// For each stage, these quantiles of the window that ends `now`, in microseconds; not a
    /// number where there was no request.
    pub(super) fn quantiles(&self, now: Instant, quantiles: &[f64]) -> [Vec<f64>; STAGES] {
        let mut window = Slice::new();
        let period = self.period(now);
        let slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        for slice in slices.iter().filter(|slice| slice.period + SLICES as u64 > period) {
            for (all, some) in window.stages.iter_mut().zip(&slice.stages) {
                let _only_if_it_cannot_grow = all.add(some);
            }
        }
        drop(slices);
        let mut stages = window.stages.into_iter();
        std::array::from_fn(|_| {
            let stage = stages.next().filter(|stage| !stage.is_empty());
            quantiles.iter().map(|&quantile| at(stage.as_ref(), quantile)).collect()
        })
    }

    fn period(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.since).as_secs() / SLICE.as_secs()
    }
}

/// The durations of one period, in microseconds.
#[derive(Debug)]
struct Slice {
    period: u64,
    stages: Vec<Histogram<u32>>,
}

impl Slice {
    fn new() -> Self {
        // It refuses only a number of digits that it does not know.
        let stage = |_| Histogram::new(DIGITS).ok();
        Self { period: 0, stages: (0..STAGES).filter_map(stage).collect() }
    }
}

fn slot(period: u64) -> usize {
    usize::try_from(period % SLICES as u64).unwrap_or_default()
}

/// Microseconds stay exact far beyond an hour.
#[expect(clippy::cast_precision_loss, reason = "as the line above says")]
fn at(stage: Option<&Histogram<u32>>, quantile: f64) -> f64 {
    stage.map_or(f64::NAN, |stage| stage.value_at_quantile(quantile) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [f64; 3] = [0.0, 0.5, 1.0];

    fn stages(us: u64) -> [Duration; STAGES] {
        std::array::from_fn(|stage| Duration::from_micros(us * (stage as u64 + 1)))
    }

    /// Lowest, median and highest duration of the first stage after `later`, when one of `us`
    /// microseconds ended at each of `at` seconds.
    fn first_stage(requests: &[(u64, u64)], later: u64) -> Vec<f64> {
        let since = Instant::now();
        let summaries = Summaries::new(since);
        for &(at, us) in requests {
            summaries.add(since + Duration::from_secs(at), stages(us));
        }
        let [first, ..] = summaries.quantiles(since + Duration::from_secs(later), &ALL);
        first
    }

    #[test]
    fn the_window_slides() {
        #[track_caller]
        fn check(requests: &[(u64, u64)], later: u64, expected: [f64; 3]) {
            assert_eq!(first_stage(requests, later), expected);
        }
        check(&[(0, 10), (1, 20), (2, 30)], 2, [10.0, 20.0, 30.0]);
        check(&[(0, 10), (59, 20)], 59, [10.0, 10.0, 20.0]);
        check(&[(0, 10), (59, 20)], 60, [20.0, 20.0, 20.0]);
        // The same slot again: what was in it is gone.
        check(&[(0, 10), (60, 20)], 60, [20.0, 20.0, 20.0]);
    }

    #[test]
    fn without_requests_there_is_no_number() {
        assert!(first_stage(&[], 0).iter().all(|value| value.is_nan()));
        assert!(first_stage(&[(0, 10)], 60).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn values_are_right_to_one_in_a_hundred_and_bounded() {
        let near = |value: f64, expected: f64| (value - expected).abs() <= expected / 100.0;
        let found = first_stage(&[(0, 1), (0, 23_663), (0, u64::MAX / 10)], 0);
        assert!(found[0] < 1.5 && near(found[1], 23_663.0), "{found:?}");
        assert!(near(found[2], 3.6e9), "{found:?}");
    }

    #[test]
    fn each_stage_has_its_own_quantiles() {
        let since = Instant::now();
        let summaries = Summaries::new(since);
        summaries.add(since, stages(7));
        let found = summaries.quantiles(since, &[0.5]);
        assert_eq!(found.concat(), [7.0, 14.0, 21.0, 28.0, 35.0]);
    }

    #[test]
    fn memory_is_bounded() {
        let since = Instant::now();
        let summaries = Summaries::new(since);
        for period in 0..100 {
            summaries.add(since + SLICE * period, [Duration::MAX; STAGES]);
        }
        let slices = summaries.slices.into_inner().unwrap();
        let counters =
            slices.iter().flat_map(|slice| &slice.stages).map(Histogram::distinct_values);
        assert!(counters.sum::<usize>() * size_of::<u32>() <= 400 << 10);
    }
}
