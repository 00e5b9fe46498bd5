//! How whoever waits for a request tells whoever works on it that it is of no use any more.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A flag that several holders share: once raised, it stays so.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Flag>);

/// What somebody wants to do when a [`Cancel`] is raised.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Flag {
    is_raised: AtomicBool,
    hooks: Mutex<Vec<Hook>>,
}

impl Cancel {
    /// Tells all holders to stop.
    pub fn raise(&self) {
        self.0.is_raised.store(true, Ordering::Release);
        let hooks = std::mem::take(&mut *self.hooks());
        for hook in hooks {
            hook();
        }
    }

    /// Whether somebody raised it.
    pub fn is_raised(&self) -> bool {
        self.0.is_raised.load(Ordering::Acquire)
    }

    /// Calls `hook` once, when and where this is raised, or here if it is. It may not block, and
    /// should not mind being called late: what it was for may be over.
    pub fn on_raise(&self, hook: Hook) {
        let mut hooks = self.hooks();
        // Asked under the lock: whoever raises it takes the hooks after that.
        if self.is_raised() {
            drop(hooks);
            hook();
        } else {
            hooks.push(hook);
        }
    }

    fn hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_raised()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn hooks_are_called_once_whether_early_or_late() {
        let calls = Arc::new(AtomicUsize::new(0));
        let hook: Hook = {
            let calls = calls.clone();
            Arc::new(move || {
                calls.fetch_add(1, Ordering::Relaxed);
            })
        };
        let calls = || calls.load(Ordering::Relaxed);
        let cancel = Cancel::default();
        cancel.on_raise(hook.clone());
        cancel.clone().on_raise(hook.clone());
        assert_eq!((calls(), cancel.is_raised()), (0, false));
        cancel.raise();
        assert_eq!((calls(), cancel.is_raised()), (2, true));
        cancel.on_raise(hook);
        cancel.raise();
        assert_eq!(calls(), 3);
    }
}
