//! Work that a test holds up, and how often work of each name was done: what is done while other work
//! stands still need not wait for it. No time is measured, so speed hides nothing.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};

use crate::sync::{lock, wait};

/// Where all work of all streams passes.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The name of the work that is to stand still when it comes.
    expected: Option<String>,
    is_holding: bool,
    done: HashMap<Arc<str>, u64>,
}

impl Gate {
    /// Lets the next work of this name, and what comes behind it in its stream, stand still.
    pub(crate) fn hold(&self, name: String) {
        lock(&self.state).expected = Some(name);
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        (state.expected, state.is_holding) = (None, false);
        self.changed.notify_all();
    }

    /// Whether the work that is to be held has come.
    pub(crate) fn is_holding(&self) -> bool {
        lock(&self.state).is_holding
    }

    /// How often work of this name was done.
    pub(crate) fn done(&self, name: &str) -> u64 {
        lock(&self.state).done.get(name).copied().unwrap_or(0)
    }

    /// Does `work` when it may be done.
    pub(super) fn pass<T>(&self, name: &Arc<str>, work: impl FnOnce() -> T) -> T {
        let mut state = lock(&self.state);
        if state.expected.as_deref() == Some(&**name) {
            (state.expected, state.is_holding) = (None, true);
            while state.is_holding {
                state = wait(&self.changed, state);
            }
        }
        drop(state);
        let result = work();
        *lock(&self.state).done.entry(name.clone()).or_default() += 1;
        result
    }
}
