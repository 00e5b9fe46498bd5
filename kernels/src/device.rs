//! CUDA devices: what is there ([`probe`]), streams and events, memory that knows who wrote it and who
//! reads it, the three functions that copy, and kernels. No kernels of our own are here, and nothing of
//! models or requests.
//!
//! Only instance threads, loads and the device's reaper call the driver: what others drop is handed to
//! the reaper. Nothing waits on the host for a device but [`Stream::synchronize`] and
//! [`Event::synchronize`]; streams wait for each other on the device.

mod buffer;
mod common;
mod copies;
mod error;
mod event;
mod limit;
mod module;
mod pinned;
mod probe;
mod shared;
mod stream;
mod sys;

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nereid_backend::device::DeviceId;

pub use buffer::{Allocation, DeviceBuffer, Reading};
pub use copies::{Download, Source, device_to_device, device_to_host, host_to_device};
pub use error::DeviceError;
pub use event::{Event, Events};
pub use limit::Limit;
pub use module::{Function, Grid, Module};
pub use pinned::PinnedBuffer;
pub use probe::{Absence, Devices, Limits, probe, probe_each};
pub use shared::{SharedHandle, SharedMemory};
pub use stream::{Priority, Stream};

use crate::reaper::Reaper;
use common::Common;
use pinned::PinnedPool;
use sys::context::{Context, Properties};
use sys::memory::Pool;

/// A CUDA device and its primary context, which ends with the last clone, on the reaper's thread.
#[derive(Clone)]
pub struct Device(Arc<Shared>);

struct Shared {
    id: DeviceId,
    properties: Properties,
    /// The least and the greatest.
    priorities: (i32, i32),
    /// What it was lost by.
    lost: OnceLock<Arc<str>>,
    memory: Limit,
    pinned: PinnedPool,
    /// Events that nobody uses; there are as many as were ever in use at a time.
    events: Mutex<Vec<sys::stream::Event>>,
    common: Common,
    reaper: Reaper,
    pool: Pool,
    context: Context,
}

thread_local! {
    /// Whether this thread has called a driver before, and so may again.
    static CALLS_DRIVER: Cell<bool> = const { Cell::new(false) };
}

impl Device {
    /// Where its memory is.
    pub fn id(&self) -> DeviceId {
        self.0.id
    }

    /// As the driver calls it, such as `NVIDIA H100 80GB HBM3`.
    pub fn name(&self) -> &str {
        &self.0.properties.name
    }

    /// All that it has.
    pub fn memory_bytes(&self) -> usize {
        self.0.properties.memory_bytes
    }

    /// As `nvidia-smi` and Triton's metrics write it: `GPU-` and the hexadecimal digits.
    pub fn uuid(&self) -> String {
        let hex = format!("{:032x}", u128::from_be_bytes(self.0.properties.uuid));
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]);
        format!("GPU-{}", parts.join("-"))
    }

    /// Major and minor, such as 9 and 0.
    pub fn compute_capability(&self) -> (i32, i32) {
        self.0.properties.compute_capability
    }

    /// Whether an error has ended its context. Nothing brings it back in this process.
    pub fn is_lost(&self) -> bool {
        self.0.lost.get().is_some()
    }

    /// Its own memory that is in use through this layer, and how much may be.
    pub fn memory(&self) -> &Limit {
        &self.0.memory
    }

    /// Pinned memory of the host that it copies from and to.
    pub fn pinned(&self) -> &Limit {
        self.0.pinned.limit()
    }

    /// Who waits for its batches and frees its memory.
    pub fn reaper(&self) -> &Reaper {
        &self.0.reaper
    }

    /// Opens the device of this ordinal, and sees that it works.
    fn open(ordinal: u32, limits: &Limits) -> Result<Self, DeviceError> {
        let id = DeviceId::Cuda(ordinal);
        let refused = |failure: sys::Failure| DeviceError::driver(id, failure);
        let context = Context::retain(ordinal).map_err(refused)?;
        context.make_current().map_err(refused)?;
        let properties = context.properties().map_err(refused)?;
        if !properties.has_memory_pools {
            return Err(DeviceError::NoMemoryPools(id));
        }
        // The first call that needs a context which is not lost.
        let event = sys::stream::Event::create().map_err(refused)?;
        let memory_bytes_max = limits.memory_bytes.unwrap_or(properties.memory_bytes);
        let pool = Pool::create(&context, memory_bytes_max as u64).map_err(refused)?;
        let no_thread = |error: io::Error| DeviceError::Reaper(id, error.to_string());
        Ok(Self(Arc::new(Shared {
            id,
            properties,
            priorities: sys::stream::priorities().map_err(refused)?,
            lost: OnceLock::new(),
            memory: Limit::new(memory_bytes_max),
            pinned: PinnedPool::new(limits.pinned_bytes),
            events: Mutex::new(vec![event]),
            common: Common::default(),
            reaper: Reaper::start(id).map_err(no_thread)?,
            pool,
            context,
        })))
    }

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Makes its context this thread's. Every call to the driver comes after this, also those of engines
    /// that call it by themselves.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] at once, without a call, if the device is lost.
    pub fn enter(&self) -> Result<(), DeviceError> {
        self.check()?;
        CALLS_DRIVER.set(true);
        self.told(self.context().make_current())
    }

    /// Whether it is not lost.
    fn check(&self) -> Result<(), DeviceError> {
        let lost = |cause: &Arc<str>| DeviceError::Lost { device: self.0.id, cause: cause.clone() };
        self.0.lost.get().map_or(Ok(()), |cause| Err(lost(cause)))
    }

    /// What the driver answered; a sticky error marks the device as lost.
    fn told<T>(&self, answer: sys::Result<T>) -> Result<T, DeviceError> {
        answer.map_err(|failure| self.failed(failure))
    }

    /// As `told`, of what went wrong.
    fn failed(&self, failure: sys::Failure) -> DeviceError {
        if failure.is_sticky() {
            let cause = self.0.lost.get_or_init(|| failure.to_string().into()).clone();
            return DeviceError::Lost { device: self.0.id, cause };
        }
        DeviceError::driver(self.0.id, failure)
    }

    /// Does the last of a drop: here, if this thread calls the driver anyway, else on the reaper's.
    /// Not at all if the device is lost: its memory is gone, and its handles are nobody's.
    fn release(&self, work: impl FnOnce(&Self) -> sys::Result<()> + Send + 'static) {
        let device = self.clone();
        let work = move || {
            if device.enter().is_ok() {
                let _kept_if_the_device_is_lost = device.told(work(&device));
            }
        };
        self.on_driver_thread(work);
    }

    /// Does `work` here, if this thread calls the driver anyway, else on the reaper's.
    pub fn on_driver_thread(&self, work: impl FnOnce() + Send + 'static) {
        if CALLS_DRIVER.get() { work() } else { self.0.reaper.free(Box::new(work)) }
    }

    /// As `release`, of what a library that calls the driver has there.
    pub(crate) fn release_foreign(&self, work: impl FnOnce() + Send + 'static) {
        self.release(|_| {
            work();
            Ok(())
        });
    }

    /// An event that nobody else uses.
    fn take_event(&self) -> Result<sys::stream::Event, DeviceError> {
        let kept = self.events().pop();
        kept.map_or_else(|| self.told(sys::stream::Event::create()), Ok)
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Vec<sys::stream::Event>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0.id, self.name())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (context, pool) = (self.context.take(), self.pool.take());
        let events = std::mem::take(&mut self.events).into_inner().unwrap_or_default();
        let pinned = self.pinned.close();
        let is_lost = self.lost.get().is_some();
        self.reaper.free(Box::new(move || {
            if is_lost || context.make_current().is_err() {
                return std::mem::forget(context); // The process has to end to get it back.
            }
            let _last: Vec<_> = events.into_iter().map(sys::stream::Event::destroy).collect();
            let _last: Vec<_> = pinned.into_iter().map(pinned::Block::free).collect();
            let _last = pool.destroy();
            drop(context);
        }));
    }
}

#[cfg(test)]
mod tests;
