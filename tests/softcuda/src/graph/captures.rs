//! All captures that go on, and what they forbid.

use std::sync::{Arc, Mutex, Weak};

use super::capture::{Capture, Mode};
use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::stream::Stream;
use crate::sync::lock;

/// Captures that were begun.
#[derive(Default)]
pub(crate) struct Captures {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    last_number: u64,
    captures: Vec<Weak<Capture>>,
}

impl Captures {
    /// # Errors
    /// `STREAM_CAPTURE_UNSUPPORTED` of the null stream, `ILLEGAL_STATE` of one that is captured.
    pub(crate) fn begin(&self, stream: &Arc<Stream>, mode: Mode) -> Result<()> {
        if stream.is_null() {
            return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
        }
        if stream.lane().is_some() {
            return Err(Code::ILLEGAL_STATE);
        }
        let mut known = lock(&self.known);
        known.last_number += 1;
        let capture = Capture::begin(known.last_number, mode, stream);
        known.captures.retain(|capture| capture.strong_count() > 0);
        known.captures.push(Arc::downgrade(&capture));
        Ok(())
    }

    /// Of calls that a program may mean for a graph, and that can be in none: allocations, waits.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_UNSUPPORTED` if a capture forbids them; it is of no use from then on.
    pub(crate) fn check_call(&self) -> Result<()> {
        let known = lock(&self.known);
        let captures = known.captures.iter().filter_map(Weak::upgrade);
        let disturbed: Vec<_> = captures.filter(|capture| capture.forbids_calls()).collect();
        for capture in &disturbed {
            capture.invalidate();
        }
        if disturbed.is_empty() { Ok(()) } else { Err(Code::STREAM_CAPTURE_UNSUPPORTED) }
    }

    /// Work in the null stream would have to wait for streams that are captured.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_IMPLICIT`.
    pub(crate) fn check_implicit(&self, driver: &Driver, stream: &Stream) -> Result<()> {
        if !stream.is_null() || lock(&self.known).captures.is_empty() {
            return Ok(());
        }
        let blocking = driver.streams.blocking(stream.device);
        let lanes: Vec<_> = blocking.iter().filter_map(|stream| stream.lane()).collect();
        for lane in &lanes {
            lane.capture.invalidate();
        }
        if lanes.is_empty() { Ok(()) } else { Err(Code::STREAM_CAPTURE_IMPLICIT) }
    }
}
