//! The work of a stream: numbered from 1, done in order, waited for by number.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

use crate::code::Result;
use crate::sync::{lock, wait};

/// A piece of work; its error loses the device.
pub(super) type Work = Box<dyn FnOnce() -> Result<()> + Send>;

/// When a stream may do its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pace {
    AtOnce,
    /// Only as far as somebody waits: the latest that a program may count on.
    WhenAwaited,
}

/// The queue of one stream.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    pushed: u64,
    done: u64,
    /// The work that somebody waits for.
    awaited: u64,
    is_closed: bool,
}

impl Queue {
    pub(super) fn push(&self, work: Work) -> u64 {
        let mut state = lock(&self.state);
        state.pushed += 1;
        state.waiting.push_back(work);
        self.changed.notify_all();
        state.pushed
    }

    /// The number of the last work.
    pub(super) fn pushed(&self) -> u64 {
        lock(&self.state).pushed
    }

    pub(super) fn wait_for(&self, number: u64) {
        let mut state = lock(&self.state);
        self.await_work(&mut state, number);
        while state.done < number {
            state = wait(&self.changed, state);
        }
    }

    pub(super) fn is_done(&self, number: u64) -> bool {
        let mut state = lock(&self.state);
        self.await_work(&mut state, number);
        state.done >= number
    }

    /// All that is there is still done.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.awaited = u64::MAX;
        self.changed.notify_all();
    }

    /// The next work that may be done; `None` if the queue is closed and empty.
    pub(super) fn next(&self, pace: impl Fn() -> Pace) -> Option<Work> {
        let mut state = lock(&self.state);
        loop {
            if (pace() == Pace::AtOnce || state.awaited > state.done)
                && let Some(work) = state.waiting.pop_front()
            {
                return Some(work);
            }
            if state.is_closed && state.waiting.is_empty() {
                return None;
            }
            state = wait(&self.changed, state);
        }
    }

    pub(super) fn finish_one(&self) {
        lock(&self.state).done += 1;
        self.changed.notify_all();
    }

    fn await_work(&self, state: &mut State, number: u64) {
        if state.awaited < number {
            state.awaited = number;
            self.changed.notify_all();
        }
    }
}
