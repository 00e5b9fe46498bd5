//! Streams: work that is done in order, beside that of other streams.

use std::sync::Arc;

use super::{Allocation, Device, DeviceError, Event, Limit, sys};

/// A non-blocking stream. Cloning shares it; the last clone ends it, when its work is done.
#[derive(Clone)]
pub struct Stream(Arc<Shared>);

struct Shared {
    device: Device,
    owner: Arc<str>,
    /// What its allocations may take together with those of others that have the same budget.
    budget: Option<Arc<Limit>>,
    raw: sys::stream::Stream,
}

/// Whose work a device does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// After that of others.
    Least,
    /// Between both, where the device has more than two.
    Middle,
    /// Before that of others.
    Greatest,
}

impl Device {
    /// A new stream. `owner` is named in errors: who asked.
    ///
    /// # Errors
    /// When the driver refuses it.
    pub fn stream(
        &self,
        owner: impl Into<Arc<str>>,
        priority: Priority,
    ) -> Result<Stream, DeviceError> {
        self.stream_within(owner, priority, None)
    }

    /// As [`Device::stream`], one whose allocations count against `budget`, too.
    ///
    /// # Errors
    /// When the driver refuses it.
    pub fn stream_within(
        &self,
        owner: impl Into<Arc<str>>,
        priority: Priority,
        budget: Option<Arc<Limit>>,
    ) -> Result<Stream, DeviceError> {
        self.enter()?;
        let (least, greatest) = self.0.priorities;
        let priority = match priority {
            Priority::Least => least,
            Priority::Middle => i32::midpoint(least, greatest),
            Priority::Greatest => greatest,
        };
        let raw = self.told(sys::stream::Stream::create(priority))?;
        let (device, owner) = (self.clone(), owner.into());
        Ok(Stream(Arc::new(Shared { device, owner, budget, raw })))
    }
}

impl Stream {
    /// Whose it is.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// Who is named in errors.
    pub fn owner(&self) -> &Arc<str> {
        &self.0.owner
    }

    /// What its allocations may take.
    pub(super) fn budget(&self) -> Option<&Limit> {
        self.0.budget.as_deref()
    }

    /// New memory, of unspecified contents, for work of this stream to write.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] over the device's limit or the stream's budget, or when the driver has
    /// no more.
    pub fn allocate(&self, size_bytes: usize) -> Result<Allocation, DeviceError> {
        Allocation::new(self, size_bytes)
    }

    /// The place behind all that is enqueued now.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn record(&self) -> Result<Event, DeviceError> {
        self.0.device.enter()?;
        Event::record(self)
    }

    /// Lets what is enqueued from now on wait for `event`, on the device. One of this stream has
    /// come by then anyway.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn wait(&self, event: &Event) -> Result<(), DeviceError> {
        if event.stream().is(self) {
            return Ok(());
        }
        self.0.device.enter()?;
        self.0.device.told(event.hold(self.raw()))
    }

    /// Lets the host wait for all that is enqueued: for loads and tests, never on a request's way.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.0.device.enter()?;
        self.0.device.told(self.raw().synchronize())
    }

    /// The driver's handle (`CUstream`), for engines that enqueue work by themselves. It is alive as
    /// long as this is.
    pub fn handle(&self) -> *mut std::ffi::c_void {
        self.raw().raw().cast()
    }

    /// Whether both are the same stream.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// That an allocation for this stream is over the limit, or that the driver has no more.
    pub(super) fn out_of_memory(
        &self,
        what: &'static str,
        limit: &Limit,
        asked: usize,
        failure: Option<sys::Failure>,
    ) -> DeviceError {
        DeviceError::OutOfMemory {
            what,
            device: self.device().id(),
            asker: self.owner().clone(),
            asked,
            in_use: limit.in_use(),
            limit: limit.bytes_max(),
            reason: failure.map(|failure| format!("; the driver has no more: {failure}")),
        }
    }

    /// Why the driver did not allocate.
    pub(super) fn not_allocated(
        &self,
        what: &'static str,
        limit: &Limit,
        asked: usize,
        failure: sys::Failure,
    ) -> DeviceError {
        if failure.is_out_of_memory() {
            return self.out_of_memory(what, limit, asked, Some(failure));
        }
        self.device().failed(failure)
    }

    pub(super) fn raw(&self) -> &sys::stream::Stream {
        &self.0.raw
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let raw = self.raw.take();
        self.device.release(|_| raw.destroy());
    }
}
