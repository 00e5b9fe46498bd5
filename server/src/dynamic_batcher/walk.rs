//! How many requests at the front of a queue may run together, and whether they should wait for
//! more.
//!
//! A walk goes on where it stopped, so that each request is looked at once however many come. It
//! starts again when something changes in the part that it has seen.

use std::time::Instant;

use nereid_backend::request::Request;
use nereid_model_repository::definition::Batching;

use super::level::Waiting;

/// What was found so far. The default has seen nobody.
#[derive(Clone, Copy, Default)]
pub(super) struct Walk {
    /// Requests that may run together.
    pub(super) requests: usize,
    /// Whether whoever comes behind them cannot join.
    pub(super) is_full: bool,
    rows: usize,
    /// How many of them should run together: the most that have a preferred size or, where none
    /// has, those before the one that is too many for all preferred sizes.
    preferred: Option<usize>,
    /// When the first of them has waited long enough for company.
    patient_until: Option<Instant>,
}

impl Walk {
    /// Looks at `next`, who waits behind those seen so far; `first` is the first of them.
    pub(super) fn step(&mut self, policy: &Batching, first: &Request, next: &Waiting) {
        let rows = self.rows + next.request.rows();
        if self.requests > 0 {
            if rows > largest(policy) {
                self.preferred.get_or_insert(self.requests);
            }
            if rows > policy.rows_max || !is_alike(policy, first, &next.request) {
                self.is_full = true;
                return;
            }
        }
        self.rows = rows;
        self.requests += 1;
        self.is_full = rows >= policy.rows_max;
        if policy.preferred.binary_search(&rows).is_ok() {
            self.preferred = Some(self.requests);
        }
        let earlier = self.patient_until.unwrap_or(next.patient_until);
        self.patient_until = Some(earlier.min(next.patient_until));
    }

    /// When they should run; `None` when nobody waits.
    pub(super) fn due(&self, policy: &Batching, now: Instant) -> Option<Instant> {
        let patient_until = self.patient_until?;
        let is_ready = policy.delay_max.is_zero()
            || self.is_full
            || self.preferred.is_some()
            || self.rows >= largest(policy);
        Some(if is_ready { now } else { patient_until })
    }

    /// How many run when they are due: a preferred size, but all of them when they have waited too
    /// long, even if that is more.
    pub(super) fn batch(&self, policy: &Batching, now: Instant) -> usize {
        let is_late = self.patient_until.is_some_and(|until| until <= now);
        match self.preferred {
            Some(preferred) if policy.delay_max.is_zero() || !is_late => preferred,
            _ => self.requests,
        }
    }

    /// Whether somebody new at `place` changes what was found.
    pub(super) fn is_changed_at(&self, policy: &Batching, place: usize) -> bool {
        // Who comes before a misfit may fit, unless there is no room for anybody.
        let has_room = self.rows < policy.rows_max;
        place < self.requests || (place == self.requests && self.is_full && has_room)
    }
}

/// The largest size that is preferred to waiting for more.
fn largest(policy: &Batching) -> usize {
    policy.preferred.last().copied().unwrap_or(policy.rows_max)
}

/// Whether both have the same inputs, and these the same shape but for the batch axis.
fn is_alike(policy: &Batching, one: &Request, two: &Request) -> bool {
    one.inputs.len() == two.inputs.len()
        && one.inputs.iter().zip(&two.inputs).all(|((name, a), (other, b))| {
            name == other
                && (a.shape().get(1..) == b.shape().get(1..) || policy.ragged.contains(name))
        })
}
