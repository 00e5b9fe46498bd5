//! Fills in a stream's order.

use std::sync::Arc;

use super::copy::is_alive;
use crate::code::Result;
use crate::counters::Counter;
use crate::driver::Driver;
use crate::race::Access;
use crate::stream::Stream;

/// Lets `size` bytes from an address on be `byte`.
///
/// # Errors
/// `INVALID_VALUE` if they are not all in one allocation.
pub(crate) fn fill(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    address: u64,
    byte: u8,
    size: usize,
) -> Result<()> {
    if size == 0 {
        return Ok(());
    }
    let span = driver.space.span(driver, address, size, "memset")?;
    driver.counters.add(Counter::Fills, 1);
    let stamp = stream.stamp(driver, "memset");
    stream.push_stamped(driver, stamp, move |stamp| {
        is_alive(driver, &span, stamp)?;
        span.allocation.note(span.bytes.clone(), Access::Write, stamp, &driver.report);
        span.allocation.fill(span.bytes.clone(), byte);
        Ok(())
    });
    Ok(())
}
