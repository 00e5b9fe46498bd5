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
    /// Whether nothing behind them can join.
    pub(super) is_full: bool,
    rows: usize,
    /// When the first of them has waited long enough for company.
    patient_until: Option<Instant>,
}

impl Walk {
    /// Looks at `next`, who waits behind those seen so far; `first` is the first of them.
    pub(super) fn step(&mut self, policy: &Batching, first: &Request, next: &Waiting) {
        let rows = self.rows + next.request.rows();
        let is_first = self.requests == 0;
        if !is_first && (rows > policy.rows_max || !is_alike(policy, first, &next.request)) {
            self.is_full = true;
            return;
        }
        self.rows = rows;
        self.requests += 1;
        self.is_full = rows >= policy.rows_max;
        let patient_until = self
            .patient_until
            .map_or(next.patient_until, |earlier| earlier.min(next.patient_until));
        self.patient_until = Some(patient_until);
    }

    /// When they should run; `None` when nobody waits.
    pub(super) fn due(&self, policy: &Batching, now: Instant) -> Option<Instant> {
        let patient_until = self.patient_until?;
        let is_ready = policy.delay_max.is_zero() || self.is_full;
        Some(if is_ready { now } else { patient_until })
    }
}

/// Whether both have the same inputs, and these the same shape but for the batch axis.
fn is_alike(policy: &Batching, one: &Request, two: &Request) -> bool {
    one.inputs.len() == two.inputs.len()
        && one.inputs.iter().zip(&two.inputs).all(|((name, a), (other, b))| {
            name == other
                && (a.shape().get(1..) == b.shape().get(1..) || policy.ragged.contains(name))
        })
}
