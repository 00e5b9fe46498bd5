//! Waiting for what other threads are about to do.

use std::thread::sleep;
use std::time::Duration;

const NAP: Duration = Duration::from_millis(1);

/// Ten seconds of naps. They are counted, and no clock is read: a process that was stopped for a minute has
/// had no time meanwhile.
const NAPS_MAX: u32 = 10_000;

/// Waits until `is_so`; whether it came to that.
pub fn comes_to(is_so: impl Fn() -> bool) -> bool {
    (0..NAPS_MAX).any(|_| {
        let is_so = is_so();
        if !is_so {
            sleep(NAP);
        }
        is_so
    })
}
