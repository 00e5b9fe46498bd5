//! Requests that wait, by their priority: the higher level is strictly first.

use std::time::Instant;

use nereid_backend::request::Request;
use nereid_model_repository::definition::Batching;

use super::level::{Level, Waiting};
use crate::scheduler::{Refusal, Refused};

/// The queues of all priority levels, the highest first.
pub(super) struct Levels {
    levels: Vec<Level>,
    /// The level of who asks for none, from 1.
    default: usize,
}

impl Levels {
    /// An empty queue for each level of `policy`.
    pub(super) fn new(policy: &Batching) -> Self {
        let levels = policy.queues.iter().copied().map(Level::new).collect();
        Self { levels, default: policy.level_default }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.levels.iter().map(Level::len).sum()
    }

    /// Those who wait, in the order in which they will be served.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.levels.iter().flat_map(Level::iter)
    }

    /// Takes a request in, which is patient until `patient_until`, and tells its place.
    pub(super) fn push(
        &mut self,
        request: Request,
        now: Instant,
        patient_until: Instant,
    ) -> Result<usize, Refused> {
        let asked = usize::try_from(request.priority).ok();
        let asked = asked.filter(|level| (1..=self.levels.len()).contains(level));
        let index = asked.unwrap_or(self.default).saturating_sub(1);
        let before: usize = self.levels.iter().take(index).map(Level::len).sum();
        match self.levels.get_mut(index) {
            Some(level) => Ok(before + level.push(request, now, patient_until)?),
            None => Err((request, Refusal::Full)),
        }
    }

    /// Takes out the first.
    pub(super) fn pop(&mut self) -> Option<Request> {
        self.levels.iter_mut().find_map(Level::pop)
    }

    /// Applies each level's policy to those of the first `count` who are its own; see
    /// [`Level::settle`].
    pub(super) fn settle(
        &mut self,
        count: usize,
        now: Instant,
        refused: &mut Vec<Refused>,
    ) -> bool {
        let (mut left, mut was_changed) = (count, false);
        for level in &mut self.levels {
            let own = left.min(level.len());
            left -= own;
            was_changed |= level.settle(own, now, refused);
        }
        was_changed
    }
}
