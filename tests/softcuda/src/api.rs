//! The functions of the driver API, by the names and signatures of NVIDIA's `cuda.h`, and a few more
//! for tests (`control`). Each checks its handles, calls one of the rooms, and gives a number.

mod argument;
mod context;
mod control;
mod copies;
mod device;
mod events;
mod exit;
mod graphs;
mod ipc;
mod memory;
mod modules;
mod peers;
mod pointers;
mod pools;
mod streams;

use std::sync::{Arc, OnceLock};

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::stream::Stream;

/// The state behind the functions, which have no argument for it.
static DRIVER: OnceLock<Driver> = OnceLock::new();

/// Exports functions whose bodies give a `Result`.
macro_rules! export {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        // SAFETY: nothing else in this library has the name; a program loads one driver.
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> i32 {
            let body = move || -> $crate::code::Result<()> { $body };
            $crate::api::number(body())
        }
    )*};
}
pub(crate) use export;

fn driver() -> &'static Driver {
    DRIVER.get_or_init(exit::open_driver)
}

/// Of calls that a capture forbids.
fn outside_captures() -> Result<()> {
    driver().captures.check_call()
}

/// As `stream`, of one that is not captured: what is asked of it can be in no graph.
fn live_stream(handle: usize) -> Result<Arc<Stream>> {
    let stream = stream(handle)?;
    driver().captures.check_implicit(driver(), &stream)?;
    if let Some(lane) = stream.lane() {
        lane.capture.invalidate();
        return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
    }
    Ok(stream)
}

fn number(result: Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(Code(number)) => number,
    }
}

/// The stream of a handle; the low ones are the null stream of the current context.
fn stream(handle: usize) -> Result<Arc<Stream>> {
    const NULL_STREAMS_MAX: usize = 2; // CU_STREAM_LEGACY is 1, CU_STREAM_PER_THREAD 2.
    let stream = if handle <= NULL_STREAMS_MAX {
        driver().null_stream(context::current()?)?
    } else {
        driver().streams.get(handle)?
    };
    driver().status(stream.device)?;
    Ok(stream)
}
