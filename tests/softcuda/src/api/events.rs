//! Events.

use std::sync::Arc;

use super::argument::Out;
use super::{context, driver, export, outside_captures, stream};
use crate::code::Result;
use crate::stream::{Event, HasTime};

/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: u32 = 2;

fn elapsed(start: usize, end: usize) -> Result<f32> {
    let (start, end) = (driver().events.get(start)?, driver().events.get(end)?);
    Ok(end.since(&start)?.as_secs_f32() * 1e3)
}

export! {
    fn cuEventCreate(event: Out<usize>, flags: u32) {
        context::working()?;
        let has_time = if flags & DISABLE_TIMING == 0 { HasTime::Yes } else { HasTime::No };
        event.put(driver().events.insert(Arc::new(Event::new(has_time))))
    }

    fn cuEventDestroy_v2(event: usize) {
        driver().events.remove(event).map(|_| ())
    }

    fn cuEventRecord(event: usize, handle: usize) {
        let event = driver().events.get(event)?;
        event.record(driver(), &stream(handle)?)
    }

    fn cuEventSynchronize(event: usize) {
        outside_captures()?;
        driver().events.get(event)?.wait(driver())
    }

    fn cuEventQuery(event: usize) {
        outside_captures()?;
        driver().events.get(event)?.query(driver())
    }

    fn cuEventElapsedTime(milliseconds: Out<f32>, start: usize, end: usize) {
        milliseconds.put(elapsed(start, end)?)
    }

    fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: usize, end: usize) {
        milliseconds.put(elapsed(start, end)?)
    }

    fn cuStreamWaitEvent(handle: usize, event: usize, _flags: u32) {
        let event = driver().events.get(event)?;
        event.hold(&stream(handle)?)
    }
}
