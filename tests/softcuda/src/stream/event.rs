//! Events: a place in a stream's work. A wait takes the place that was recorded last before the wait.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::Stream;
use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::race::Clock;
use crate::sync::lock;

/// An event, recorded or not.
pub(crate) struct Event {
    has_time: HasTime,
    record: Mutex<Option<Record>>,
}

/// Whether an event can tell when it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HasTime {
    Yes,
    No,
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

    /// Lets the event stand behind all that is in the stream.
    pub(crate) fn record(&self, driver: &'static Driver, stream: &Stream) {
        let Some(stream) = stream.arc() else { return };
        let clock = stream.stamp(driver, "event").before;
        let at = Arc::new(OnceLock::new());
        let reached = at.clone();
        let number = stream.push(move || {
            reached.get_or_init(Instant::now);
            Ok(())
        });
        *lock(&self.record) = Some(Record { stream, number, clock, at });
    }

    /// Lets the stream's next work wait for it; for one that was never recorded, it does not.
    pub(crate) fn hold(&self, stream: &Stream) {
        let record = lock(&self.record).clone();
        if let Some(record) = record {
            stream.come_after(&record.stream, record.number, &record.clock);
        }
    }

    /// Lets the host wait for it.
    ///
    /// # Errors
    /// What the device was lost by.
    pub(crate) fn wait(&self, driver: &Driver) -> Result<()> {
        let record = lock(&self.record).clone();
        let Some(record) = record else { return Ok(()) };
        record.stream.queue.wait_for(record.number);
        driver.space.release_pools(record.stream.device);
        record.seen(driver)
    }

    /// # Errors
    /// `NOT_READY` if it has not come; what the device was lost by.
    pub(crate) fn query(&self, driver: &Driver) -> Result<()> {
        let record = lock(&self.record).clone();
        let Some(record) = record else { return Ok(()) };
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
        let record = lock(&self.record).clone();
        match record {
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
