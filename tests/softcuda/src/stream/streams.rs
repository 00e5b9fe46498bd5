//! All streams of the process, and the threads that do their work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::queue::{Pace, Queue};
use super::{Kind, LEAST_PRIORITY, Stream};
use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::options::Setting;
use crate::sync::lock;
use crate::table::Table;

/// Streams that were created and not destroyed.
#[derive(Default)]
pub(crate) struct Streams {
    table: Table<Stream>,
    all: Mutex<Vec<Arc<Stream>>>,
    last_number: Mutex<usize>,
}

impl Streams {
    /// A new stream's handle.
    pub(crate) fn create(
        &self,
        driver: &'static Driver,
        device: usize,
        kind: Kind,
        priority: i32,
    ) -> usize {
        self.table.insert(self.start(driver, device, kind, priority))
    }

    /// # Errors
    /// `INVALID_HANDLE` of one that is not there, or no more.
    pub(crate) fn get(&self, handle: usize) -> Result<Arc<Stream>> {
        self.table.get(handle)
    }

    /// # Errors
    /// As of `get`.
    pub(crate) fn destroy(&self, handle: usize) -> Result<()> {
        let stream = self.table.remove(handle)?;
        lock(&self.all).retain(|other| other.number != stream.number);
        if let Some(lane) = stream.lane() {
            lane.capture.invalidate();
        }
        stream.close();
        Ok(())
    }

    /// Those of one device.
    pub(crate) fn of_device(&self, device: usize) -> Vec<Arc<Stream>> {
        lock(&self.all).iter().filter(|stream| stream.device == device).cloned().collect()
    }

    /// Those that the null stream is in order with.
    pub(crate) fn blocking(&self, device: usize) -> Vec<Arc<Stream>> {
        let mut streams = self.of_device(device);
        streams.retain(|stream| stream.kind == Kind::Blocking);
        streams
    }

    pub(crate) fn start_null(&self, driver: &'static Driver, device: usize) -> Arc<Stream> {
        self.start(driver, device, Kind::Null, LEAST_PRIORITY)
    }

    fn start(
        &self,
        driver: &'static Driver,
        device: usize,
        kind: Kind,
        priority: i32,
    ) -> Arc<Stream> {
        let number = {
            let mut last = lock(&self.last_number);
            *last += 1;
            *last
        };
        let stream = Arc::new(Stream {
            number,
            device,
            kind,
            priority,
            queue: Queue::default(),
            clock: Mutex::default(),
            lane: Mutex::default(),
        });
        lock(&self.all).push(stream.clone());
        let worker = stream.clone();
        let name = format!("softcuda-{number}");
        if thread::Builder::new().name(name).spawn(move || work(driver, &worker)).is_err() {
            driver.lose(device, Code::OUT_OF_MEMORY); // Nothing would ever be done.
        }
        stream
    }
}

/// Does a stream's work until it is closed. A device that is lost does none of it.
fn work(driver: &'static Driver, stream: &Stream) {
    let mut delays = Delays::new(stream.number);
    let pace = || match driver.options.get(Setting::RunsWhenAwaited) {
        0 => Pace::AtOnce,
        _ => Pace::WhenAwaited,
    };
    while let Some(work) = stream.queue.next(pace) {
        thread::sleep(delays.next(driver.options.get(Setting::DelayMicroseconds)));
        if driver.status(stream.device).is_ok() {
            // A fault of this library is to fail the test, and not to let it wait for ever.
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                driver.report.violation("the software CUDA device itself panicked".into());
                Err(Code::LAUNCH_FAILED)
            });
            if let Err(code) = result {
                driver.lose(stream.device, code);
            }
        }
        stream.queue.finish_one();
    }
}

/// Delays that differ from stream to stream, and are the same in each run.
/// (George Marsaglia, "Xorshift RNGs", 2003.)
struct Delays(u64);

impl Delays {
    fn new(number: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1))
    }

    fn next(&mut self, microseconds_max: u64) -> Duration {
        if microseconds_max == 0 {
            return Duration::ZERO;
        }
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % microseconds_max)
    }
}
