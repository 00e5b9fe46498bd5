//! Lets answers leave in the order in which their requests left the queue, whatever instance is
//! done first: one that comes early is held until all before it have left.
//!
//! What never runs is not part of it: who is refused while it waits is told at once. Nobody is lost,
//! since every request that runs is answered, and be it by being dropped.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nereid_backend::parts::Times;
use nereid_backend::request::{Answer, Hold, Home, Request};

/// The order of one queue.
#[derive(Default)]
pub(super) struct Order {
    joined: u64,
    exit: Arc<Exit>,
}

impl Order {
    /// Holds the answer of `request` back until all who joined before it have theirs.
    pub(super) fn join(&mut self, request: &mut Request) {
        let (place, exit, hold) = (self.joined, self.exit.clone(), request.hold.clone());
        self.joined += 1;
        request.reroute(|home| {
            Home::Then(Box::new(move |answer, times| {
                exit.leave(place, Leaving { home, answer, times: *times, _hold: hold });
            }))
        });
    }
}

/// Where answers wait for those before them.
#[derive(Default)]
struct Exit(Mutex<Queued>);

impl Exit {
    fn leave(&self, place: u64, leaving: Leaving) {
        let mut queued = self.lock();
        queued.early.insert(place, leaving);
        // One at a time, so that nobody overtakes between the lock and its way home. Whoever is
        // sending sees this one, too.
        if std::mem::replace(&mut queued.is_sending, true) {
            return;
        }
        while let Some(next) = queued.next() {
            drop(queued); // It may start a step of an ensemble, which takes other locks.
            let sent = catch_unwind(AssertUnwindSafe(|| next.home.send(next.answer, &next.times)));
            queued = self.lock();
            if sent.is_err() {
                tracing::error!("what waited for an answer panicked; those behind it go on");
            }
        }
        queued.is_sending = false;
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Queued {
    /// How many have left.
    left: u64,
    /// Who is behind somebody who has not left, by its place.
    early: BTreeMap<u64, Leaving>,
    is_sending: bool,
}

impl Queued {
    fn next(&mut self) -> Option<Leaving> {
        let next = self.early.remove(&self.left)?;
        self.left += 1;
        Some(next)
    }
}

/// An answer, and whom it is for.
struct Leaving {
    home: Home,
    answer: Answer,
    times: Times,
    /// What is held here is in flight still.
    _hold: Hold,
}

#[cfg(test)]
mod tests;
