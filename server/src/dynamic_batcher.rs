//! Dynamic batching: the oldest requests together, up to `rows_max` rows, and none waits longer
//! than `delay_max` for company while an instance is idle.
//!
//! One rule decides who sleeps: while anything waits, one idle instance is *on watch*, which means
//! that it will ask again by the time a batch is due. All others sleep until they are woken.
//!
//! A model without batching is served by the same rules with `rows_max` 1: the oldest request is
//! always taken, whatever its rows, and nothing fits beside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::batch::Batch;
use nereid_backend::observer::Observer;
use nereid_backend::request::Request;
use nereid_backend::spec::InstanceId;
use nereid_model_repository::definition::Batching;

use crate::scheduler::{Decision, IN_FLIGHT_MAX, Refusal, Refused, Scheduler, Wake};

/// How long a full queue is not searched again after a search that found nobody to refuse: under
/// overload, refusing must stay cheap.
const SWEEP_PAUSE: Duration = Duration::from_millis(10);

/// First come, first served.
pub struct DynamicBatcher {
    policy: Batching,
    observer: Arc<dyn Observer>,
    waiting: VecDeque<Request>,
    slots: Vec<Slot>,
    watch: Option<(InstanceId, Instant)>,
    /// When a full queue was last found to hold nobody who is gone.
    swept: Option<Instant>,
}

impl DynamicBatcher {
    /// An empty queue for that many instances; their batches tell `observer`.
    pub fn new(policy: Batching, instances: usize, observer: Arc<dyn Observer>) -> Self {
        let slots = vec![Slot::default(); instances];
        Self { policy, observer, waiting: VecDeque::new(), slots, watch: None, swept: None }
    }

    /// When the next batch should start; `None` when nobody waits.
    fn due(&self, now: Instant) -> Option<Instant> {
        let oldest = self.waiting.front()?;
        if self.policy.delay_max.is_zero() {
            return Some(now);
        }
        let next = self.next_batch();
        if next.is_full {
            return Some(now);
        }
        // Whoever has a deadline spends at most half of its time on waiting for company.
        let hurried = self.waiting.iter().take(next.requests).filter_map(|request| {
            let since = request.times.queued?;
            Some(since + request.deadline?.saturating_duration_since(since) / 2)
        });
        let patient = oldest.times.queued? + self.policy.delay_max;
        Some(hurried.fold(patient, Instant::min))
    }

    /// The longest prefix of the queue that may run together.
    fn next_batch(&self) -> Prefix {
        let Some(first) = self.waiting.front() else { return Prefix::default() };
        let mut rows = first.rows();
        let mut requests = 1;
        for next in self.waiting.iter().skip(1) {
            if rows + next.rows() > self.policy.rows_max || !self.is_alike(first, next) {
                return Prefix { requests, is_full: true };
            }
            rows += next.rows();
            requests += 1;
        }
        Prefix { requests, is_full: rows >= self.policy.rows_max }
    }

    /// Whether both have the same inputs, and these the same shape but for the batch axis.
    fn is_alike(&self, one: &Request, two: &Request) -> bool {
        one.inputs.len() == two.inputs.len()
            && one.inputs.iter().zip(&two.inputs).all(|((name, a), (other, b))| {
                name == other
                    && (a.shape().get(1..) == b.shape().get(1..)
                        || self.policy.ragged.contains(name))
            })
    }

    fn is_watched(&self, due: Instant) -> bool {
        self.watch.is_some_and(|(_, until)| until <= due)
    }

    /// Puts an idle instance on watch, unless one is in time for the next batch.
    fn wake(&mut self, now: Instant) -> Wake {
        let idle = self.slots.iter().position(|slot| slot.sleep == Sleep::Idle).map(InstanceId);
        // Asked first: while all are busy, a push should cost nothing.
        let Some(who) = idle else { return Wake::Nobody };
        match self.due(now) {
            Some(due) if !self.is_watched(due) => {
                self.watch = Some((who, due.min(now)));
                Wake::One(who)
            }
            _ => Wake::Nobody,
        }
    }

    fn take_batch(&mut self, now: Instant) -> Option<Batch> {
        let count = self.next_batch().requests;
        let mut taken = self.waiting.drain(..count);
        let mut batch = Batch::new(taken.next()?, now, self.observer.clone());
        taken.for_each(|request| batch.push(request));
        Some(batch)
    }

    /// Takes those out who need not run, among the first `count`.
    fn take_dead(&mut self, count: usize, now: Instant) -> Vec<Refused> {
        let mut dead = Vec::new();
        let mut index = 0;
        for _ in 0..count {
            match self.waiting.get(index).and_then(|request| Refusal::of(request, now)) {
                Some(refusal) => {
                    let request = self.waiting.remove(index);
                    dead.extend(request.map(|request| (request, refusal)));
                }
                None => index += 1,
            }
        }
        dead
    }
}

impl Scheduler for DynamicBatcher {
    fn push(&mut self, mut request: Request, now: Instant) -> Result<Wake, Refused> {
        if self.waiting.len() >= self.policy.queue_max {
            return Err((request, Refusal::Full));
        }
        request.times.queued = Some(now);
        self.waiting.push_back(request);
        Ok(self.wake(now))
    }

    fn poll(&mut self, who: InstanceId, now: Instant) -> Decision {
        self.watch.take_if(|(watcher, _)| *watcher == who);
        let dead = self.take_dead(self.next_batch().requests, now);
        if !dead.is_empty() {
            return Decision::Refuse(dead);
        }
        if self.slots[who.0].in_flight >= IN_FLIGHT_MAX {
            self.slots[who.0].sleep = Sleep::Full;
            return Decision::Idle;
        }
        self.slots[who.0].sleep = Sleep::Idle;
        let Some(due) = self.due(now) else { return Decision::Idle };
        if due <= now
            && let Some(batch) = self.take_batch(now)
        {
            self.slots[who.0].sleep = Sleep::Awake;
            self.slots[who.0].in_flight += 1;
            return Decision::Run(batch, self.wake(now));
        }
        if self.is_watched(due) {
            return Decision::Idle;
        }
        self.watch = Some((who, due));
        Decision::WaitUntil(due)
    }

    fn done(&mut self, who: InstanceId, now: Instant) -> Wake {
        let slot = &mut self.slots[who.0];
        slot.in_flight -= 1;
        if slot.sleep == Sleep::Full {
            slot.sleep = Sleep::Idle;
        }
        self.wake(now)
    }

    fn retire(&mut self, who: InstanceId, now: Instant) -> Wake {
        self.watch.take_if(|(watcher, _)| *watcher == who);
        self.slots[who.0].sleep = Sleep::Awake;
        self.wake(now)
    }

    fn sweep(&mut self, now: Instant) -> Vec<Refused> {
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < SWEEP_PAUSE) {
            return Vec::new();
        }
        let mut dead = Vec::new();
        let (gone, alive): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|request| Refusal::of(request, now).is_some());
        self.waiting = alive;
        for request in gone {
            let refusal = Refusal::of(&request, now).unwrap_or(Refusal::Cancelled);
            dead.push((request, refusal));
        }
        self.swept = dead.is_empty().then_some(now);
        dead
    }

    fn drain(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.waiting).into()
    }

    fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// The requests at the front of the queue that may run together.
#[derive(Default)]
struct Prefix {
    requests: usize,
    /// Whether nothing that is still to come could join them.
    is_full: bool,
}

/// What is known of one instance.
#[derive(Clone, Default)]
struct Slot {
    sleep: Sleep,
    in_flight: usize,
}

#[derive(Clone, Default, PartialEq)]
enum Sleep {
    /// It has a batch to start and asks again after that, or it is gone.
    #[default]
    Awake,
    /// It would run a batch.
    Idle,
    /// It must first see the end of a batch in flight.
    Full,
}

#[cfg(test)]
mod tests;
