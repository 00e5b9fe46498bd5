//! What a model version has done so far, counted as Triton counts it: requests one by one, batches
//! by their size. Statistics and metrics are two ways to print this.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nereid_backend::error::InferError;
use nereid_backend::observer::{CopyCounter, Observer};
use nereid_backend::parts::Times;

/// Counters of one model version. Reading them is cheap, and not one atomic snapshot.
#[derive(Debug, Default)]
pub struct Statistics {
    success: Durations,
    failure: Durations,
    queue: Durations,
    compute_input: Durations,
    compute_infer: Durations,
    compute_output: Durations,
    failures: [AtomicU64; Reason::ALL.len()],
    inferences: AtomicU64,
    executions: AtomicU64,
    last_inference_ms: AtomicU64,
    batches: Mutex<BTreeMap<usize, BatchTotals>>,
    copies: CopyCounter,
}

/// How often something happened, and how long it took in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How often.
    pub count: u64,
    /// The sum of all durations, in nanoseconds.
    pub ns: u64,
}

/// What batches of one size have cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchTotals {
    /// Until the inputs were where the engine wants them.
    pub compute_input: Total,
    /// In the engine.
    pub compute_infer: Total,
    /// Until the outputs were where they should be.
    pub compute_output: Total,
}

/// A reading of [`Statistics`].
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Requests that were answered with outputs, from their arrival to the answer.
    pub success: Total,
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
    /// Totals by the rows of the batch.
    pub batches: BTreeMap<usize, BatchTotals>,
}

/// The `reason` label of `nv_inference_request_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was refused before it ran: the queue was full, or it waited too long.
    Rejected,
    /// Nobody wanted the answer any more.
    Canceled,
    /// The engine failed, or found the input's content bad.
    Backend,
    /// Everything else, such as a failed step of an ensemble.
    Other,
}

impl Reason {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Canceled, Self::Backend, Self::Other];

    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rejected => "REJECTED",
            Self::Canceled => "CANCELED",
            Self::Backend => "BACKEND",
            Self::Other => "OTHER",
        }
    }

    fn of(error: &InferError) -> Self {
        match error {
            InferError::QueueFull(_)
            | InferError::Overloaded(_)
            | InferError::Expired(_)
            | InferError::Closed(_) => Self::Rejected,
            InferError::Cancelled(_) => Self::Canceled,
            InferError::Backend(_) | InferError::Abandoned | InferError::Invalid(_) => {
                Self::Backend
            }
            _ => Self::Other,
        }
    }
}

impl Statistics {
    /// What they are now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            success: self.success.total(),
            failure: self.failure.total(),
            queue: self.queue.total(),
            compute_input: self.compute_input.total(),
            compute_infer: self.compute_infer.total(),
            compute_output: self.compute_output.total(),
            failures: self.failures.each_ref().map(|count| count.load(Ordering::Relaxed)),
            inferences: self.inferences.load(Ordering::Relaxed),
            executions: self.executions.load(Ordering::Relaxed),
            last_inference_ms: self.last_inference_ms.load(Ordering::Relaxed),
            batches: self.batches.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Observer for Statistics {
    fn answered(&self, rows: usize, times: &Times, error: Option<&InferError>) {
        if let Some(error) = error {
            self.failure.add(times.queued.map_or(Duration::ZERO, |since| since.elapsed()));
            self.failures[Reason::of(error) as usize].fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.inferences.fetch_add(rows as u64, Ordering::Relaxed);
        self.success.add(between(times.queued, times.outputs_ready));
        self.queue.add(between(times.queued, times.started));
        self.compute_input.add(between(times.started, times.inputs_ready));
        self.compute_infer.add(between(times.inputs_ready, times.computed));
        self.compute_output.add(between(times.computed, times.outputs_ready));
    }

    fn executed(&self, rows: usize, times: &Times) {
        self.executions.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.last_inference_ms.store(now_ms, Ordering::Relaxed);
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = batches.entry(rows).or_default();
        totals.compute_input.add(between(times.started, times.inputs_ready));
        totals.compute_infer.add(between(times.inputs_ready, times.computed));
        totals.compute_output.add(between(times.computed, times.outputs_ready));
    }

    fn copies(&self) -> &CopyCounter {
        &self.copies
    }
}

impl Total {
    fn add(&mut self, duration: Duration) {
        self.count += 1;
        self.ns += nanoseconds(duration);
    }
}

/// A [`Total`] that many threads add to.
#[derive(Debug, Default)]
struct Durations {
    count: AtomicU64,
    ns: AtomicU64,
}

impl Durations {
    fn add(&self, duration: Duration) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.ns.fetch_add(nanoseconds(duration), Ordering::Relaxed);
    }

    fn total(&self) -> Total {
        let (count, ns) = (&self.count, &self.ns);
        Total { count: count.load(Ordering::Relaxed), ns: ns.load(Ordering::Relaxed) }
    }
}

fn between(start: Option<Instant>, end: Option<Instant>) -> Duration {
    match (start, end) {
        (Some(start), Some(end)) => end.saturating_duration_since(start),
        _ => Duration::ZERO,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of which each stage takes a microsecond more than the one before.
    fn times() -> Times {
        let start = Instant::now();
        let at = |us| Some(start + Duration::from_micros(us));
        Times {
            queued: at(0),
            started: at(1),
            inputs_ready: at(3),
            computed: at(6),
            outputs_ready: at(10),
        }
    }

    #[test]
    fn each_stage_is_counted_where_it_belongs() {
        let statistics = Statistics::default();
        statistics.executed(3, &times());
        statistics.answered(2, &times(), None);
        statistics.answered(1, &times(), None);
        let now = statistics.snapshot();
        let total = |ns: u64| Total { count: 2, ns: 2 * ns };
        let stages = [now.queue, now.compute_input, now.compute_infer, now.compute_output];
        assert_eq!(stages, [total(1_000), total(2_000), total(3_000), total(4_000)]);
        assert_eq!((now.success, now.failure), (total(10_000), Total::default()));
        assert_eq!((now.inferences, now.executions), (3, 1));
        assert_eq!(now.batches[&3].compute_infer, Total { count: 1, ns: 3_000 });
        assert!(now.last_inference_ms > 0);
    }

    #[test]
    fn a_failure_has_its_reason_and_nothing_else() {
        let statistics = Statistics::default();
        let errors = [
            InferError::QueueFull("".into()),
            InferError::Cancelled("".into()),
            InferError::Abandoned,
            InferError::Step { ensemble: "e".into(), source: Box::new(InferError::Abandoned) },
        ];
        for error in &errors {
            statistics.answered(1, &times(), Some(error));
        }
        let now = statistics.snapshot();
        assert_eq!((now.failures, now.failure.count), ([1, 1, 1, 1], 4));
        assert_eq!((now.success.count, now.inferences, now.queue.count), (0, 0, 0));
    }
}
