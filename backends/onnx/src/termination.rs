//! Ends a run that nobody waits for any more: a client may go away long before a large model is
//! done.
//!
//! Nobody watches: whoever cancels the last request of a run also ends it, so that a run that is not
//! cancelled pays for two uncontended locks and one reference for each request. ONNX Runtime looks at
//! the flag between operators; one that is busy finishes first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nereid_backend::parts::{Cancel, Hook};
use ort::session::RunOptions;

/// The runs of one instance, one after the other.
pub(crate) struct Runs {
    shared: Arc<Shared>,
    /// Looks whether the run that is on should end.
    hook: Hook,
}

struct Shared {
    options: RunOptions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those of the run that is on; empty between runs.
    cancels: Vec<Cancel>,
    /// Whether that run, or else the last one, was told to end.
    is_ended: bool,
}

impl Runs {
    /// None yet; all will have these options.
    pub(crate) fn new(options: RunOptions) -> Self {
        let shared = Arc::new(Shared { options, state: Mutex::default() });
        let hook = {
            let shared = shared.clone();
            Arc::new(move || shared.end_if_unwanted())
        };
        Self { shared, hook }
    }

    /// Begins a run for the requests of these flags, at least one.
    ///
    /// # Errors
    /// When ONNX Runtime cannot forget the end of the last run.
    pub(crate) fn begin<'c>(
        &mut self,
        cancels: impl Iterator<Item = &'c Cancel> + Clone,
    ) -> ort::Result<Run<'_>> {
        let mut state = self.shared.state();
        if state.is_ended {
            self.shared.options.unterminate()?;
        }
        state.is_ended = false;
        state.cancels.extend(cancels.clone().cloned());
        drop(state);
        let run = Run(&self.shared);
        // Called at once for a request that was cancelled meanwhile.
        for cancel in cancels {
            cancel.on_raise(self.hook.clone());
        }
        Ok(run)
    }
}

/// A run that is on, until it is dropped.
pub(crate) struct Run<'a>(&'a Shared);

impl Run<'_> {
    /// What to run with.
    pub(crate) fn options(&self) -> &RunOptions {
        &self.0.options
    }

    /// Whether it was told to end, since nobody waits for it.
    pub(crate) fn is_ended(&self) -> bool {
        self.0.state().is_ended
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // Flags hold hooks, and hooks this: it may not hold flags in turn for longer than it must.
        self.0.state().cancels.clear();
    }
}

impl Shared {
    fn end_if_unwanted(&self) {
        let mut state = self.state();
        let is_unwanted = !state.cancels.is_empty() && state.cancels.iter().all(Cancel::is_raised);
        if is_unwanted && !state.is_ended {
            // If it cannot be ended, it ends by itself.
            state.is_ended = self.options.terminate().is_ok();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::engine;

    #[test]
    fn a_run_ends_when_all_its_requests_are_cancelled() {
        engine(); // Opens the library.
        let mut runs = Runs::new(RunOptions::new().unwrap());
        let [one, two, three] = [(); 3].map(|()| Cancel::default());
        let run = runs.begin([&one, &two].into_iter()).unwrap();
        one.raise();
        assert!(!run.is_ended());
        two.raise();
        assert!(run.is_ended());
        drop(run);

        // The next one is another matter, whatever becomes of requests that are over.
        let run = runs.begin(std::iter::once(&three)).unwrap();
        one.raise();
        assert!(!run.is_ended());
        drop(run);
        three.raise();
        let run = runs.begin(std::iter::once(&Cancel::default())).unwrap();
        assert!(!run.is_ended());
        drop(run);
        assert!(
            runs.begin(std::iter::once(&three)).unwrap().is_ended(),
            "cancelled before it began"
        );
    }
}
