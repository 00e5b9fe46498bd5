//! What a stream does for a program, as the program said it: done once in a stream, or each time that
//! a graph is launched which it was captured in.

use std::sync::Arc;

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::launch::{self, Work};
use crate::mem::{download, fill, move_between, upload};
use crate::stream::Stream;
use crate::sys::HostRange;

/// A function of the host.
pub(crate) type Call = Arc<dyn Fn() + Send + Sync>;

/// Work that a stream may be given.
#[derive(Clone)]
pub(crate) enum Operation {
    Upload { to: u64, from: HostRange },
    Download { to: HostRange, from: u64 },
    Move { to: u64, from: u64, size: usize },
    Fill { address: u64, byte: u8, size: usize },
    Launch(Arc<Work>),
    Call(Call),
}

impl Operation {
    /// Into the stream, or into what the stream captures.
    ///
    /// # Errors
    /// What the operation says, or the capture.
    pub(crate) fn submit(self, driver: &'static Driver, stream: &Arc<Stream>) -> Result<()> {
        if let Some(lane) = stream.lane() {
            lane.check_valid()?;
            self.check(driver, stream)?;
            return lane.run(self);
        }
        driver.captures.check_implicit(driver, stream)?;
        self.issue(driver, stream)
    }

    /// Behind all that is in the stream.
    ///
    /// # Errors
    /// What the operation says.
    pub(crate) fn issue(&self, driver: &'static Driver, stream: &Arc<Stream>) -> Result<()> {
        match self {
            Self::Upload { to, from } => upload(driver, stream, *to, *from),
            Self::Download { to, from } => download(driver, stream, *to, *from),
            Self::Move { to, from, size } => move_between(driver, stream, *to, *from, *size),
            Self::Fill { address, byte, size } => fill(driver, stream, *address, *byte, *size),
            Self::Launch(work) => launch::enqueue(driver, stream, work.clone()),
            Self::Call(call) => {
                let call = call.clone();
                let stamp = stream.stamp(driver, "host function");
                stream.push_stamped(driver, stamp, move |_| {
                    call();
                    Ok(())
                });
                Ok(())
            }
        }
    }

    /// What can be told before it is done. Pageable memory is refused: nobody would know when a
    /// launch of the graph reads or writes it.
    fn check(&self, driver: &Driver, stream: &Stream) -> Result<()> {
        const WHAT: &str = "captured work";
        let check_host = |range: &HostRange| {
            let is_pinned = range.size == 0 || driver.pinned.holds(*range);
            if is_pinned { Ok(()) } else { Err(Code::STREAM_CAPTURE_UNSUPPORTED) }
        };
        let check_device = |address: u64, size: usize| match size {
            0 => Ok(()),
            _ => driver.space.span(driver, address, size, WHAT).map(|_| ()),
        };
        match self {
            Self::Upload { to: device, from: host } | Self::Download { to: host, from: device } => {
                check_host(host)?;
                check_device(*device, host.size)
            }
            Self::Move { to, from, size } => {
                check_device(*from, *size)?;
                check_device(*to, *size)
            }
            Self::Fill { address, size, .. } => check_device(*address, *size),
            Self::Launch(work) => launch::check(stream, work),
            Self::Call(_) => Ok(()),
        }
    }
}
