//! One thread for the instance and for everything else.

use std::sync::Arc;
use std::time::Instant;

use nereid::handover::Owed;
use nereid::park::Park;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::timeout_at;

/// Where an instance would sleep, its thread does what the others have to do.
pub(crate) struct Turn {
    runtime: Arc<Runtime>,
    woken: Notify,
}

impl Turn {
    /// The turn of who drives `runtime`.
    pub(crate) fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, woken: Notify::new() }
    }
}

impl Park for Turn {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn park(&self, until: Option<Instant>) {
        self.runtime.block_on(async {
            match until {
                None => self.woken.notified().await,
                Some(until) => {
                    let _late = timeout_at(until.into(), self.woken.notified()).await;
                }
            }
        });
    }

    fn unpark(&self) {
        self.woken.notify_one();
    }

    /// Asked by who exchanges instances only, and there is one.
    fn take_wake(&self) -> bool {
        false
    }

    /// There is nobody to hand anything over to.
    fn owed<T>(with: impl FnOnce(&mut Owed<Self>) -> T) -> T {
        with(&mut Owed::Never)
    }
}
