//! Events: a place in a stream's work. A wait takes the place that was recorded last before the wait.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::Stream;
use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::graph::Moment;
use crate::race::Clock;
use crate::sync::lock;

/// An event, recorded or not.
pub(crate) struct Event {
    has_time: HasTime,
    record: Mutex<Option<Recorded>>,
}

/// Whether an event can tell when it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HasTime {
    Yes,
    No,
}

/// Where it was recorded last.
#[derive(Clone)]
enum Recorded {
    InStream(Record),
    InCapture(Moment),
}

#[derive(Clone)]
struct Record {
    stream: Arc<Stream>,
    number: u64,
    clock: Clock,
    at: Arc<OnceLock<Instant>>,
}

impl Event {
    pub(crate) fn new(has_time: HasTime) -> Self {
        Self { has_time, record: Mutex::default() }
    }

    /// Lets the event stand behind all that is in the stream, or in its capture.
    ///
    /// # Errors
    /// What the capture says.
    pub(crate) fn record(&self, driver: &'static Driver, stream: &Arc<Stream>) -> Result<()> {
        if let Some(lane) = stream.lane() {
            *lock(&self.record) = Some(Recorded::InCapture(lane.record()?));
            return Ok(());
        }
        driver.captures.check_implicit(driver, stream)?;
        let clock = stream.stamp(driver, "event").before;
        let at = Arc::new(OnceLock::new());
        let reached = at.clone();
        let number = stream.push(move || {
            reached.get_or_init(Instant::now);
            Ok(())
        });
        let record = Record { stream: stream.clone(), number, clock, at };
        *lock(&self.record) = Some(Recorded::InStream(record));
        Ok(())
    }

    /// Lets the stream's next work wait for it; for one that was never recorded, it does not.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_ISOLATION` if the stream is captured and the event was recorded in no capture;
    /// what the event's capture says.
    pub(crate) fn hold(&self, stream: &Arc<Stream>) -> Result<()> {
        let recorded = lock(&self.record).clone();
        match (recorded, stream.lane()) {
            (None, _) => Ok(()),
            (Some(Recorded::InCapture(moment)), _) => moment.hold(stream),
            (Some(Recorded::InStream(_)), Some(lane)) => {
                lane.capture.invalidate();
                Err(Code::STREAM_CAPTURE_ISOLATION)
            }
            (Some(Recorded::InStream(record)), None) => {
                stream.come_after(&record.stream, record.number, &record.clock);
                Ok(())
            }
        }
    }

    /// # Errors
    /// `CAPTURED_EVENT` of one that stands in a capture.
    fn recorded(&self) -> Result<Option<Record>> {
        match lock(&self.record).clone() {
            None => Ok(None),
            Some(Recorded::InStream(record)) => Ok(Some(record)),
            Some(Recorded::InCapture(moment)) => Err(moment.refuse()),
        }
    }

    /// Lets the host wait for it.
    ///
    /// # Errors
    /// `CAPTURED_EVENT`; what the device was lost by.
    pub(crate) fn wait(&self, driver: &Driver) -> Result<()> {
        let Some(record) = self.recorded()? else { return Ok(()) };
        record.stream.queue.wait_for(record.number);
        driver.space.release_pools(record.stream.device);
        record.seen(driver)
    }

    /// # Errors
    /// `NOT_READY` if it has not come; `CAPTURED_EVENT`; what the device was lost by.
    pub(crate) fn query(&self, driver: &Driver) -> Result<()> {
        let Some(record) = self.recorded()? else { return Ok(()) };
        if !record.stream.queue.is_done(record.number) {
            return Err(Code::NOT_READY);
        }
        record.seen(driver)
    }

    /// From an earlier event to this.
    ///
    /// # Errors
    /// `INVALID_HANDLE` of one without time or record, `NOT_READY` of one that has not come.
    pub(crate) fn since(&self, earlier: &Self) -> Result<Duration> {
        Ok(self.time()?.saturating_duration_since(earlier.time()?))
    }

    fn time(&self) -> Result<Instant> {
        match self.recorded()? {
            Some(record) if self.has_time == HasTime::Yes => {
                record.at.get().copied().ok_or(Code::NOT_READY)
            }
            _ => Err(Code::INVALID_HANDLE),
        }
    }
}

impl Record {
    /// The host knows now that it is done.
    fn seen(&self, driver: &Driver) -> Result<()> {
        lock(&driver.host).join(&self.clock);
        driver.status(self.stream.device)
    }
}
