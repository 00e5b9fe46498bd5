//! Contexts: each device has its primary one, which a thread makes current.

use std::cell::RefCell;

use super::argument::Out;
use super::device::ordinal;
use super::{driver, export, outside_captures};
use crate::code::{Code, Result};
use crate::stream::{GREATEST_PRIORITY, LEAST_PRIORITY};

/// The handle of device 0's primary context; that of device n is n more.
const FIRST: usize = 0xC0DE_0000;

thread_local! {
    /// The contexts that the thread pushed, or 0; the last one is current.
    static STACK: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The device of the thread's context.
///
/// # Errors
/// `INVALID_CONTEXT` if it has none.
pub(super) fn current() -> Result<usize> {
    handle().checked_sub(FIRST).ok_or(Code::INVALID_CONTEXT)
}

/// As `current`, of a context that is not lost.
///
/// # Errors
/// `INVALID_CONTEXT`, or what it was lost by.
pub(super) fn working() -> Result<usize> {
    let device = current()?;
    driver().status(device)?;
    Ok(device)
}

/// The primary context's handle.
pub(super) fn of_device(device: usize) -> usize {
    FIRST + device
}

fn handle() -> usize {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

/// The device of a context.
///
/// # Errors
/// `INVALID_CONTEXT` of what is none.
pub(super) fn device_of(context: usize) -> Result<usize> {
    let device = context.checked_sub(FIRST).ok_or(Code::INVALID_CONTEXT)?;
    driver().device(device).map(|_| device).map_err(|_| Code::INVALID_CONTEXT)
}

export! {
    fn cuDevicePrimaryCtxRetain(context: Out<usize>, device: i32) {
        context.put(of_device(ordinal(device)?))
    }

    fn cuDevicePrimaryCtxRelease_v2(device: i32) {
        ordinal(device).map(|_| ())
    }

    fn cuDevicePrimaryCtxGetState(device: i32, flags: Out<u32>, is_active: Out<i32>) {
        ordinal(device)?;
        flags.put(0)?;
        is_active.put(1)
    }

    fn cuCtxSetCurrent(context: usize) {
        if context != 0 {
            device_of(context)?;
        }
        STACK.with_borrow_mut(|stack| {
            stack.pop();
            stack.push(context);
        });
        Ok(())
    }

    fn cuCtxGetCurrent(context: Out<usize>) {
        context.put(handle())
    }

    fn cuCtxPushCurrent_v2(context: usize) {
        device_of(context)?;
        STACK.with_borrow_mut(|stack| stack.push(context));
        Ok(())
    }

    fn cuCtxPopCurrent_v2(context: Out<usize>) {
        current()?;
        let popped = STACK.with_borrow_mut(Vec::pop).ok_or(Code::INVALID_CONTEXT)?;
        context.put_if_wanted(popped);
        Ok(())
    }

    fn cuCtxGetDevice(device: Out<i32>) {
        device.put(i32::try_from(current()?).map_err(|_| Code::INVALID_CONTEXT)?)
    }

    fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) {
        current()?;
        least.put_if_wanted(LEAST_PRIORITY);
        greatest.put_if_wanted(GREATEST_PRIORITY);
        Ok(())
    }

    fn cuCtxSynchronize() {
        synchronize()
    }
}

/// Waits for all streams of the current context.
pub(super) fn synchronize() -> Result<()> {
    outside_captures()?;
    let device = working()?;
    for stream in driver().streams.of_device(device) {
        stream.wait_idle(driver())?;
    }
    Ok(())
}
