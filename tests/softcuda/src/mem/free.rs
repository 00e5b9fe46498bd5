//! Giving device memory back.

use std::sync::Arc;

use super::allocation::Allocation;
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
    if driver.space.at(base).is_some_and(|allocation| allocation.import.is_some()) {
        let text = "memory of another process is to be closed, and not freed";
        driver.report.violation(format!("{what}: {text}"));
        return Err(Code::INVALID_VALUE);
    }
    let fault = match driver.space.take(base) {
        Found::Live(allocation) => {
            free_found(driver, &allocation, what);
            return Ok(());
        }
        Found::Freed(number) => format!("allocation #{number} is freed twice"),
        Found::Nothing => format!("no allocation begins at {base:#x}"),
    };
    driver.report.violation(format!("{what}: {fault}"));
    Err(Code::INVALID_VALUE)
}

fn free_found(driver: &Driver, allocation: &Allocation, what: &str) {
    allocation.mark_freed();
    driver.counters.add(Counter::Frees, 1);
    let openers = driver.space.free_cells(allocation);
    if openers > 0 {
        let number = allocation.number;
        driver.report.violation(format!(
            "{what}: allocation #{number} is freed while {openers} other process(es) have it open"
        ));
    }
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
