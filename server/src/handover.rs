//! How an instance's thread goes on with the next step of an ensemble itself, instead of waking
//! the thread of the next step's instance: to wake one takes longer than many a step.
//!
//! A thread *owes* the wake-up that an answer of its batch causes. When the batch has ended and
//! its own instance has nothing to do, the two threads change instances: the sleeper is left the
//! idle one, and need not even wake. So any thread may serve any instance, but one at a time, and
//! as many threads as instances are there at any time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nereid_backend::spec::InstanceId;

use crate::instance::Serving;
use crate::park::Park;
use crate::queue::Queue;

/// An instance's thread where it sleeps, and the instance that it will serve then.
pub struct Sleeper<P: Park> {
    park: P,
    /// `None` while it is awake, and while it sleeps for a time only.
    serving: Mutex<Option<Serving<P>>>,
}

impl<P: Park> Sleeper<P> {
    pub(crate) fn new(park: P) -> Self {
        Self { park, serving: Mutex::new(None) }
    }

    /// Where it sleeps.
    pub fn park(&self) -> &P {
        &self.park
    }

    /// Sleeps until there is something to do for the instance that it returns: `idle`, or the one
    /// that was left in exchange.
    pub(crate) fn rest(&self, idle: Serving<P>) -> Serving<P> {
        *self.serving() = Some(idle);
        loop {
            self.park.park(None);
            if let Some(serving) = self.serving().take() {
                return serving;
            }
        }
    }

    fn serving(&self) -> MutexGuard<'_, Option<Serving<P>>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a thread has to do before it sleeps, or runs its next batch.
pub enum Owed<P: Park> {
    /// It ran no batch: whom it wakes, it wakes at once.
    Never,
    /// It ran a batch, which may have caused this wake-up.
    Alarm(Option<Alarm<P>>),
}

impl<P: Park> Owed<P> {
    /// From now on this thread owes whom it wakes.
    pub(crate) fn begin() {
        P::owed(|owed| *owed = Self::Alarm(None));
    }

    /// Whether it does.
    pub(crate) fn is_begun() -> bool {
        P::owed(|owed| matches!(owed, Self::Alarm(_)))
    }

    /// What it owes; the caller settles that, and from now on it owes nothing.
    pub(crate) fn take() -> Option<Alarm<P>> {
        match P::owed(|owed| std::mem::replace(owed, Self::Never)) {
            Self::Never => None,
            Self::Alarm(alarm) => alarm,
        }
    }

    /// Wakes whoever is still to be woken.
    pub(crate) fn settle() {
        if let Some(alarm) = Self::take() {
            alarm.ring();
        }
    }
}

/// A wake-up: an instance that sleeps has something to do.
#[must_use = "whoever is not woken sleeps on"]
pub struct Alarm<P: Park> {
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) who: InstanceId,
}

impl<P: Park> Alarm<P> {
    /// Wakes the instance's thread.
    pub(crate) fn ring(self) {
        self.queue.wake(self.who);
    }

    /// Leaves it for the end of the batch that this thread runs. Of several only the last waits:
    /// another thread can begin with the others.
    pub(crate) fn owe(self) {
        let earlier = P::owed(|owed| match owed {
            Owed::Never => Some(self),
            Owed::Alarm(last) => last.replace(self),
        });
        if let Some(alarm) = earlier {
            alarm.ring();
        }
    }

    /// Leaves `idle` to the thread that sleeps, and returns the instance that is called. Where
    /// that is not possible the thread is woken, and `idle` comes back.
    pub(crate) fn answer(self, idle: Serving<P>, mine: &Arc<Sleeper<P>>) -> Serving<P> {
        let other = self.queue.sleeper(self.who);
        let mut theirs = other.serving();
        let is_called = |theirs: &mut Serving<P>| {
            theirs.is(&self.queue, self.who) && theirs.is_movable() && idle.is_movable()
        };
        let Some(called) = theirs.take_if(is_called) else {
            drop(theirs);
            self.ring();
            return idle;
        };
        // All under the lock: whoever wakes there finds the exchange made.
        self.queue.seat(self.who, mine.clone());
        idle.seat(other.clone());
        *theirs = Some(idle);
        drop(theirs);
        // Whoever called for `idle` before that has woken this thread instead.
        if mine.park.take_wake() {
            other.park.unpark();
        }
        called
    }
}

#[cfg(test)]
mod tests;
