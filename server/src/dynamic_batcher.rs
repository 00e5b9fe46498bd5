//! Dynamic batching: the oldest requests together, up to `rows_max` rows, and none waits longer
//! than `delay_max` for company while an instance is idle.
//!
//! One rule decides who sleeps: while anything waits, one idle instance is *on watch*, which means
//! that it will ask again by the time a batch is due. All others sleep until they are woken.
//!
//! A model without batching is served by the same rules with `rows_max` 1: the oldest request is
//! always taken, whatever its rows, and nothing fits beside it.

mod level;
mod levels;
mod order;
mod walk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::batch::Batch;
use nereid_backend::observer::Observer;
use nereid_backend::request::Request;
use nereid_backend::spec::InstanceId;
use nereid_model_repository::definition::Batching;

use self::levels::Levels;
use self::order::Order;
use self::walk::Walk;
use crate::scheduler::{Decision, IN_FLIGHT_MAX, Refused, Scheduler, Wake};

/// How long a full queue is not searched again after a search that found nobody to refuse: under
/// overload, refusing must stay cheap.
const SWEEP_PAUSE: Duration = Duration::from_millis(10);

/// First come, first served, within a priority level.
pub struct DynamicBatcher {
    policy: Batching,
    observer: Arc<dyn Observer>,
    waiting: Levels,
    /// Of those who have left; `None` if they may overtake each other.
    order: Option<Order>,
    walk: Walk,
    slots: Vec<Slot>,
    watch: Option<(InstanceId, Instant)>,
    /// When a full queue was last found to hold nobody who is gone.
    swept: Option<Instant>,
}

impl DynamicBatcher {
    /// An empty queue for that many instances; their batches tell `observer`.
    pub fn new(policy: Batching, instances: usize, observer: Arc<dyn Observer>) -> Self {
        let waiting = Levels::new(&policy);
        let order = policy.preserves_order.then(Order::default);
        let slots = vec![Slot::default(); instances];
        let (walk, watch, swept) = (Walk::default(), None, None);
        Self { policy, observer, waiting, order, walk, slots, watch, swept }
    }

    /// When the next batch should start; `None` when nobody waits.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        self.walk_on();
        self.walk.due(&self.policy, now)
    }

    /// Looks at those who came since the last time.
    fn walk_on(&mut self) {
        let Some(first) = self.waiting.iter().next() else { return };
        for next in self.waiting.iter().skip(self.walk.requests) {
            if self.walk.is_full {
                return;
            }
            self.walk.step(&self.policy, &first.request, next);
        }
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
        let count = std::mem::take(&mut self.walk).batch(&self.policy, now);
        let first = self.take()?;
        let mut batch = Batch::new(first, now, self.observer.clone());
        for _ in 1..count {
            batch.push(self.take()?);
        }
        Some(batch)
    }

    fn take(&mut self) -> Option<Request> {
        let mut request = self.waiting.pop()?;
        if let Some(order) = &mut self.order {
            order.join(&mut request);
        }
        Some(request)
    }

    /// Applies the queue's policy to those who would run next, and returns who need not run.
    fn settle(&mut self, now: Instant) -> Vec<Refused> {
        let mut refused = Vec::new();
        loop {
            self.walk_on();
            if !self.waiting.settle(self.walk.requests, now, &mut refused) {
                return refused;
            }
            // Others have moved up to the front, and are looked at, too.
            self.walk = Walk::default();
        }
    }
}

impl Scheduler for DynamicBatcher {
    fn push(&mut self, request: Request, now: Instant) -> Result<Wake, Refused> {
        let patient_until = now.checked_add(self.policy.delay_max);
        let place = self.waiting.push(request, now, patient_until.unwrap_or(now))?;
        // Whoever comes in between may change what was found.
        if self.walk.is_changed_at(&self.policy, place) {
            self.walk = Walk::default();
        }
        Ok(self.wake(now))
    }

    fn poll(&mut self, who: InstanceId, now: Instant) -> Decision {
        self.watch.take_if(|(watcher, _)| *watcher == who);
        let refused = self.settle(now);
        if !refused.is_empty() {
            return Decision::Refuse(refused);
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

    fn hurry(&mut self) {
        self.policy.delay_max = Duration::ZERO;
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
        let mut refused = Vec::new();
        if self.waiting.settle(self.waiting.len(), now, &mut refused) {
            self.walk = Walk::default();
        }
        self.swept = refused.is_empty().then_some(now);
        refused
    }

    fn drain(&mut self) -> Vec<Request> {
        self.walk = Walk::default();
        std::iter::from_fn(|| self.waiting.pop()).collect()
    }

    fn waiting(&self) -> usize {
        self.waiting.len()
    }
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
