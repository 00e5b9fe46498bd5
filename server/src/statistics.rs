//! What a model version has done so far, counted as Triton counts it: requests one by one, batches
//! by their size. Statistics and metrics are two ways to print this.
//!
//! A request costs seven relaxed additions and a batch five, without a lock: what can be told from
//! another number is not counted. Summaries, for those who ask for them, cost one lock more.

mod batches;
mod durations;
pub mod latency;
mod reason;
pub mod summary;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nereid_backend::error::InferError;
use nereid_backend::observer::{CopyCounter, Observer};
use nereid_backend::parts::Times;

pub use self::batches::{BatchTotals, ROWS_MAX};
pub use self::durations::Total;
pub use self::reason::Reason;

use self::batches::Batches;
use self::durations::{Sum, nanoseconds};
use self::latency::{Latencies, Spread};
use self::summary::{STAGES, Summaries};

/// Counters of one model version. Reading them is cheap, and not one atomic snapshot.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Requests that were answered with outputs, by their latency; all sums below are theirs.
    latencies: Spread,
    success: Sum,
    queue: Sum,
    compute_input: Sum,
    compute_infer: Sum,
    compute_output: Sum,
    inferences: AtomicU64,
    failures: [AtomicU64; Reason::ALL.len()],
    failure: Sum,
    last_inference_ms: AtomicU64,
    batches: Batches,
    copies: CopyCounter,
    load_ns: AtomicU64,
    summaries: Option<Summaries>,
}

/// A reading of [`Statistics`].
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Requests that were answered with outputs, from their arrival to the answer.
    pub success: Total,
    /// The same requests by their latency.
    pub latencies: Latencies,
    /// Requests that were answered with an error.
    pub failure: Total,
    /// Time in the queue, of successful requests like all that follows.
    pub queue: Total,
    /// See [`BatchTotals`].
    pub compute_input: Total,
    /// See [`BatchTotals`].
    pub compute_infer: Total,
    /// See [`BatchTotals`].
    pub compute_output: Total,
    /// Failures by [`Reason`], in the order of [`Reason::ALL`].
    pub failures: [u64; Reason::ALL.len()],
    /// Rows of all successful requests.
    pub inferences: u64,
    /// Batches.
    pub executions: u64,
    /// When the last batch ran, in milliseconds since 1970; 0 for never.
    pub last_inference_ms: u64,
    /// Totals by the rows of the batch, up to [`ROWS_MAX`].
    pub batches: BTreeMap<usize, BatchTotals>,
    /// How long it took to load the model; zero if nobody has said it.
    pub load: Duration,
}

impl Snapshot {
    /// The totals that have a summary, in its order.
    pub fn stages(&self) -> [Total; STAGES] {
        let Self { success, queue, compute_input, compute_infer, compute_output, .. } = *self;
        [success, queue, compute_input, compute_infer, compute_output]
    }
}

impl Statistics {
    /// Counters that can also tell quantiles.
    pub fn with_summaries() -> Self {
        Self { summaries: Some(Summaries::new(Instant::now())), ..Self::default() }
    }

    /// Notes how long it took to load the model.
    pub fn loaded_in(&self, duration: Duration) {
        self.load_ns.store(nanoseconds(duration), Ordering::Relaxed);
    }

    /// What they are now.
    pub fn snapshot(&self) -> Snapshot {
        let latencies = self.latencies.counts();
        let failures = self.failures.each_ref().map(|count| count.load(Ordering::Relaxed));
        let count = latencies.iter().sum();
        let batches = self.batches.totals();
        Snapshot {
            success: self.success.total(count),
            latencies,
            failure: self.failure.total(failures.iter().sum()),
            queue: self.queue.total(count),
            compute_input: self.compute_input.total(count),
            compute_infer: self.compute_infer.total(count),
            compute_output: self.compute_output.total(count),
            failures,
            inferences: self.inferences.load(Ordering::Relaxed),
            executions: batches.values().map(|totals| totals.compute_infer.count).sum(),
            last_inference_ms: self.last_inference_ms.load(Ordering::Relaxed),
            batches,
            load: Duration::from_nanos(self.load_ns.load(Ordering::Relaxed)),
        }
    }

    /// For each of [`Snapshot::stages`], these quantiles of the last minute, in microseconds; not
    /// a number where there was no request. `None` without summaries.
    pub fn quantiles(&self, quantiles: &[f64]) -> Option<[Vec<f64>; STAGES]> {
        Some(self.summaries.as_ref()?.quantiles(Instant::now(), quantiles))
    }

    fn succeeded(&self, rows: usize, times: &Times) {
        let spent = times.stages();
        let stages = [
            times.total(),
            times.queue(),
            spent.compute_input,
            spent.compute_infer,
            spent.compute_output,
        ];
        self.inferences.fetch_add(rows as u64, Ordering::Relaxed);
        self.latencies.add(stages[0]);
        let sums = [
            &self.success,
            &self.queue,
            &self.compute_input,
            &self.compute_infer,
            &self.compute_output,
        ];
        for (sum, duration) in sums.into_iter().zip(stages) {
            sum.add(duration);
        }
        if let Some(summaries) = &self.summaries {
            summaries.add(times.outputs_ready.unwrap_or_else(Instant::now), stages);
        }
    }
}

impl Observer for Statistics {
    fn answered(&self, rows: usize, times: &Times, error: Option<&InferError>) {
        let Some(error) = error else { return self.succeeded(rows, times) };
        self.failure.add(times.queued.map_or(Duration::ZERO, |since| since.elapsed()));
        self.failures[Reason::of(error) as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn executed(&self, rows: usize, times: &Times) {
        self.batches.add(rows, times);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.last_inference_ms.store(now_ms, Ordering::Relaxed);
    }

    fn copies(&self) -> &CopyCounter {
        &self.copies
    }
}

#[cfg(test)]
mod tests;
