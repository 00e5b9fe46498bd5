//! Requests that wait under one policy: first come, first served. Who waits too long is refused, or
//! served after all who came in time.

use std::collections::VecDeque;
use std::time::Instant;

use nereid_backend::request::Request;
use nereid_model_repository::definition::{QueuePolicy, TimeoutAction};

use crate::scheduler::{Refusal, Refused};

/// A request that waits.
pub(super) struct Waiting {
    /// What waits.
    pub(super) request: Request,
    /// How long it should be kept waiting for company.
    pub(super) patient_until: Instant,
    /// When it has waited too long for its queue; a deadline of its own is the request's.
    expires: Option<Instant>,
}

/// The queue of one policy.
pub(super) struct Level {
    policy: QueuePolicy,
    in_time: VecDeque<Waiting>,
    late: VecDeque<Waiting>,
}

impl Level {
    /// An empty one.
    pub(super) fn new(policy: QueuePolicy) -> Self {
        Self { policy, in_time: VecDeque::new(), late: VecDeque::new() }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.in_time.len() + self.late.len()
    }

    /// Those who wait, in the order in which they will be served.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.in_time.iter().chain(&self.late)
    }

    /// Takes a request in, which is patient until `patient_until`, and tells its place.
    pub(super) fn push(
        &mut self,
        mut request: Request,
        now: Instant,
        patient_until: Instant,
    ) -> Result<usize, Refused> {
        if self.len() >= self.policy.requests_max {
            return Err((request, Refusal::Full));
        }
        request.times.queued = Some(now);
        let expires = match request.deadline {
            Some(_) if self.policy.is_timeout_overridable => None,
            _ => self.policy.timeout.and_then(|timeout| now.checked_add(timeout)),
        };
        // Who has little time spends at most half of it on waiting for company.
        let ends = [request.deadline, expires].into_iter().flatten();
        let patient_until = ends
            .map(|end| now + end.saturating_duration_since(now) / 2)
            .fold(patient_until, Instant::min);
        self.in_time.push_back(Waiting { request, patient_until, expires });
        Ok(self.in_time.len() - 1)
    }

    /// Takes out the first.
    pub(super) fn pop(&mut self) -> Option<Request> {
        let first = self.in_time.pop_front().or_else(|| self.late.pop_front());
        first.map(|waiting| waiting.request)
    }

    /// Applies the policy to the first `count`: adds those to `refused` who need not run, and moves
    /// those to the end who let the others pass. Returns whether it found anybody.
    pub(super) fn settle(
        &mut self,
        count: usize,
        now: Instant,
        refused: &mut Vec<Refused>,
    ) -> bool {
        let is_settled = |waiting| matches!(self.fate(waiting, now), Fate::Stays);
        if self.iter().take(count).all(is_settled) {
            return false;
        }
        let in_time = count.min(self.in_time.len());
        let late = (count - in_time).min(self.late.len());
        let examined: Vec<_> =
            self.in_time.drain(..in_time).chain(self.late.drain(..late)).collect();
        let (first, mut delayed) = (refused.len(), VecDeque::new());
        // Backwards, since putting back at the front costs the same however many wait behind.
        for (index, waiting) in examined.into_iter().enumerate().rev() {
            match self.fate(&waiting, now) {
                Fate::Stays if index < in_time => self.in_time.push_front(waiting),
                Fate::Stays => self.late.push_front(waiting),
                Fate::Delayed => delayed.push_front(Waiting { expires: None, ..waiting }),
                Fate::Refused(refusal) => refused.push((waiting.request, refusal)),
            }
        }
        refused[first..].reverse();
        self.late.append(&mut delayed);
        true
    }

    fn fate(&self, waiting: &Waiting, now: Instant) -> Fate {
        let is_expired = waiting.expires.is_some_and(|expires| expires <= now);
        match (Refusal::of(&waiting.request, now), self.policy.timeout_action) {
            (Some(refusal), _) => Fate::Refused(refusal),
            (None, TimeoutAction::Reject) if is_expired => Fate::Refused(Refusal::Expired),
            (None, TimeoutAction::Delay) if is_expired => Fate::Delayed,
            _ => Fate::Stays,
        }
    }
}

/// What the policy does with a request.
enum Fate {
    Stays,
    Delayed,
    Refused(Refusal),
}
