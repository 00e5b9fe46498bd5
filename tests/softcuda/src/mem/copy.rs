//! Copies in a stream's order. What is pageable is taken, or waited for, within the call; only with
//! pinned memory a copy goes on after it. (CUDA Driver API, "API synchronization behavior".)

use std::sync::Arc;

use super::space::Span;
use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::driver::Driver;
use crate::race::{Access, Stamp};
use crate::stream::Stream;
use crate::sys::HostRange;

/// Stands in pinned memory until a copy to it is done, for those who read it too early.
const NOT_YET_COPIED: u8 = 0xA5;

/// Host to device.
///
/// # Errors
/// `INVALID_VALUE` of ranges that are not what they are said to be.
pub(crate) fn upload(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    to: u64,
    from: HostRange,
) -> Result<()> {
    const WHAT: &str = "copy H2D";
    if from.size == 0 {
        return Ok(());
    }
    check_host(driver, from, WHAT)?;
    let to = driver.space.span(driver, to, from.size, WHAT)?;
    driver.counters.add(Counter::HostToDeviceCalls, 1);
    driver.counters.add(Counter::HostToDeviceBytes, from.size as u64);
    let at_call = from.read();
    let is_pinned = driver.pinned.holds(from);
    let stamp = stream.stamp(driver, WHAT);
    stream.push_stamped(driver, stamp, move |stamp| {
        is_alive(driver, &to, stamp)?;
        let bytes = if is_pinned { from.read() } else { at_call.clone() };
        if bytes != at_call {
            let text = "pinned host memory was changed between the call and the copy";
            driver.report.violation(format!("{WHAT}: {text}"));
        }
        to.allocation.note(to.bytes.clone(), Access::Write, stamp, &driver.report);
        to.allocation.write(to.bytes.start, &bytes);
        Ok(())
    });
    Ok(())
}

/// Device to host.
///
/// # Errors
/// As of `upload`, and what the device was lost by while pageable memory was waited for.
pub(crate) fn download(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    to: HostRange,
    from: u64,
) -> Result<()> {
    const WHAT: &str = "copy D2H";
    if to.size == 0 {
        return Ok(());
    }
    check_host(driver, to, WHAT)?;
    let from = driver.space.span(driver, from, to.size, WHAT)?;
    driver.counters.add(Counter::DeviceToHostCalls, 1);
    driver.counters.add(Counter::DeviceToHostBytes, to.size as u64);
    let is_pinned = driver.pinned.holds(to);
    if is_pinned {
        to.write(&vec![NOT_YET_COPIED; to.size]);
    }
    let stamp = stream.stamp(driver, WHAT);
    stream.push_stamped(driver, stamp, move |stamp| {
        is_alive(driver, &from, stamp)?;
        from.allocation.note(from.bytes.clone(), Access::Read, stamp, &driver.report);
        let (bytes, never_written) = from.allocation.read(from.bytes.clone());
        if let Some(place) = never_written {
            let at = from.bytes.start + place;
            let number = from.allocation.number;
            let text = format!("uninitialised read of byte {at} of allocation #{number}");
            driver.report.violation(format!("{WHAT}: {text}"));
        }
        to.write(&bytes);
        Ok(())
    });
    if is_pinned { Ok(()) } else { stream.wait_idle(driver) }
}

/// Device to device, be it the same one or not.
///
/// # Errors
/// As of `upload`.
pub(crate) fn move_between(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    to: u64,
    from: u64,
    size: usize,
) -> Result<()> {
    const WHAT: &str = "copy D2D";
    if size == 0 {
        return Ok(());
    }
    let to = driver.space.span(driver, to, size, WHAT)?;
    let from = driver.space.span(driver, from, size, WHAT)?;
    let (calls, bytes) = if to.allocation.device == from.allocation.device {
        (Counter::DeviceToDeviceCalls, Counter::DeviceToDeviceBytes)
    } else {
        (Counter::PeerCalls, Counter::PeerBytes)
    };
    driver.counters.add(calls, 1);
    driver.counters.add(bytes, size as u64);
    let stamp = stream.stamp(driver, WHAT);
    stream.push_stamped(driver, stamp, move |stamp| {
        is_alive(driver, &from, stamp)?;
        is_alive(driver, &to, stamp)?;
        from.allocation.note(from.bytes.clone(), Access::Read, stamp, &driver.report);
        to.allocation.note(to.bytes.clone(), Access::Write, stamp, &driver.report);
        to.allocation.copy_from(to.bytes.start, &from.allocation, from.bytes.clone());
        Ok(())
    });
    Ok(())
}

fn check_host(driver: &Driver, range: HostRange, what: &str) -> Result<()> {
    if driver.space.contains(range.address) {
        let address = range.address;
        driver
            .report
            .violation(format!("{what}: {address:#x} of the device is given as the host's"));
        return Err(Code::INVALID_VALUE);
    }
    Ok(())
}

/// Freed between the call and now, or taken back by its pool?
pub(super) fn is_alive(driver: &Driver, span: &Span, stamp: &Stamp) -> Result<()> {
    let (what, number) = (&stamp.what, span.allocation.number);
    let fault = if span.allocation.is_freed() {
        format!("{what}: allocation #{number} was freed before it ran")
    } else if let Some(place) = span.allocation.poisoned(span.bytes.clone()) {
        format!("{what}: byte {place} of allocation #{number} is with its pool, which took it back")
    } else {
        return Ok(());
    };
    driver.report.violation(fault);
    Err(Code::ILLEGAL_ADDRESS)
}
