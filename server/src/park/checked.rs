//! Places to sleep under shuttle, the model checker.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shuttle::rand::Rng;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::Park;
use crate::handover::Owed;

shuttle::thread_local! {
    static OWED: RefCell<Owed<ShuttlePark>> = RefCell::new(Owed::Never);
}

/// Sleeps as shuttle's threads do, and times out whenever chance wants it to.
///
/// The queue's own mutex may be the standard one: no thread sleeps or yields while it holds it, so
/// to the model checker everything under the lock is one step.
pub(crate) struct ShuttlePark {
    clock: Arc<Clock>,
    is_woken: Mutex<bool>,
    changed: Condvar,
}

struct Clock {
    start: Instant,
    elapsed_ns: AtomicU64,
}

impl Park for ShuttlePark {
    fn now(&self) -> Instant {
        thread::yield_now(); // Others may come first to the lock that follows.
        self.clock.start + Duration::from_nanos(self.clock.elapsed_ns.load(Ordering::Relaxed))
    }

    fn park(&self, until: Option<Instant>) {
        let mut woken = self.is_woken.lock().unwrap();
        while !*woken {
            let Some(until) = until else {
                woken = self.changed.wait(woken).unwrap();
                continue;
            };
            if shuttle::rand::thread_rng().r#gen() {
                let elapsed = (until - self.clock.start).as_nanos();
                let elapsed = u64::try_from(elapsed).unwrap();
                self.clock.elapsed_ns.fetch_max(elapsed, Ordering::Relaxed);
                break;
            }
            drop(woken);
            thread::yield_now();
            woken = self.is_woken.lock().unwrap();
        }
        *woken = false;
    }

    fn unpark(&self) {
        *self.is_woken.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn take_wake(&self) -> bool {
        std::mem::take(&mut self.is_woken.lock().unwrap())
    }

    fn owed<T>(with: impl FnOnce(&mut Owed<Self>) -> T) -> T {
        thread::yield_now(); // Others may come between a decision and what follows from it.
        OWED.with(|owed| with(&mut owed.borrow_mut()))
    }
}

/// That many, with one clock.
pub(crate) fn parks(count: usize) -> Vec<ShuttlePark> {
    let clock = Arc::new(Clock { start: Instant::now(), elapsed_ns: AtomicU64::new(0) });
    let park = || ShuttlePark {
        clock: clock.clone(),
        is_woken: Mutex::default(),
        changed: Condvar::new(),
    };
    (0..count).map(|_| park()).collect()
}
