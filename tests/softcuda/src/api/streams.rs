//! Streams.

use std::sync::Arc;

use super::argument::{Host, HostFunction, Out};
use super::{context, driver, export, live_stream, stream};
use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::operation::Operation;
use crate::stream::{GREATEST_PRIORITY, Kind, LEAST_PRIORITY};

/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: u32 = 1;

/// One that is out of range is brought into it, as a driver does.
fn create(flags: u32, priority: i32) -> Result<usize> {
    let kind = match flags {
        0 => Kind::Blocking,
        NON_BLOCKING => Kind::NonBlocking,
        _ => return Err(Code::INVALID_VALUE),
    };
    let priority = priority.clamp(GREATEST_PRIORITY, LEAST_PRIORITY);
    Ok(driver().streams.create(driver(), context::working()?, kind, priority))
}

export! {
    fn cuStreamCreate(handle: Out<usize>, flags: u32) {
        handle.put(create(flags, LEAST_PRIORITY)?)
    }

    fn cuStreamCreateWithPriority(handle: Out<usize>, flags: u32, priority: i32) {
        handle.put(create(flags, priority)?)
    }

    fn cuStreamGetPriority(handle: usize, priority: Out<i32>) {
        priority.put(stream(handle)?.priority)
    }

    fn cuStreamDestroy_v2(handle: usize) {
        driver().streams.destroy(handle)
    }

    fn cuStreamSynchronize(handle: usize) {
        let stream = live_stream(handle)?;
        driver().counters.add(Counter::StreamWaits, 1);
        stream.wait_idle(driver())
    }

    fn cuStreamQuery(handle: usize) {
        live_stream(handle)?.query(driver())
    }

    fn cuLaunchHostFunc(handle: usize, function: HostFunction, data: Host) {
        let call = Arc::new(function.with(&data)?);
        Operation::Call(call).submit(driver(), &stream(handle)?)
    }
}
