//! Giving device memory back.

use std::sync::Arc;

use super::space::Found;
use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::driver::Driver;
use crate::race::Access;
use crate::stream::Stream;

/// Frees now what begins at `base`.
///
/// # Errors
/// `INVALID_VALUE`, and a violation, if nothing does or it was freed before.
pub(crate) fn free(driver: &Driver, base: u64, what: &str) -> Result<()> {
    let fault = match driver.space.take(base) {
        Found::Live(allocation) => {
            allocation.mark_freed();
            driver.counters.add(Counter::Frees, 1);
            return Ok(());
        }
        Found::Freed(number) => format!("allocation #{number} is freed twice"),
        Found::Nothing => format!("no allocation begins at {base:#x}"),
    };
    driver.report.violation(format!("{what}: {fault}"));
    Err(Code::INVALID_VALUE)
}

/// Frees it when the stream comes to it; that is as good as a write to all of it.
///
/// # Errors
/// As of `free`.
pub(crate) fn free_in_order(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    base: u64,
) -> Result<()> {
    const WHAT: &str = "cuMemFreeAsync";
    let Found::Live(allocation) = driver.space.find(base) else {
        return free(driver, base, WHAT);
    };
    let stamp = stream.stamp(driver, WHAT);
    stream.push(move || {
        allocation.note(0..allocation.size, Access::Write, &stamp, &driver.report);
        free(driver, base, WHAT)
    });
    Ok(())
}
