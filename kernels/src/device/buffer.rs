//! Memory of a device that knows when it is ready and who reads it.
//!
//! It is first an [`Allocation`], which work of its home stream writes, and then a [`DeviceBuffer`],
//! which nobody writes any more. Whoever reads one says so by a [`Reading`]: its stream waits, on the
//! device, for the writers, and the memory is given back after it.

mod owner;

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use nereid_backend::device::{DeviceId, DeviceMemory};
use nereid_backend::tensor::{Storage, Tensor};

use super::sys::memory;
use super::{Device, DeviceError, Event, Stream};
use owner::{Foreign, Owner, Pooled};

/// Memory with one owner, to be written by work of the stream that it was allocated in. Dropped, it is
/// given back behind that work.
pub struct Allocation {
    home: Stream,
    address: u64,
    size_bytes: usize,
    owner: Owner,
}

/// Memory that was written, and is shared by those who read it.
pub struct DeviceBuffer {
    address: u64,
    size_bytes: usize,
    /// The end of what writes it; `None` if it was written before anybody knew of it.
    ready: Option<Event>,
    owner: Owner,
}

/// A read of a buffer by the work that `stream` is given while this is there.
pub struct Reading<'a> {
    buffer: &'a DeviceBuffer,
    stream: &'a Stream,
}

impl Allocation {
    pub(super) fn new(home: &Stream, size_bytes: usize) -> Result<Self, DeviceError> {
        let pooled = Pooled::allocate(home, size_bytes)?;
        let address = pooled.address();
        Ok(Self { home: home.clone(), address, size_bytes, owner: Owner::Pool(pooled) })
    }

    /// Memory of `home`'s device that somebody else owns. `keeper` is dropped, on the reaper's thread,
    /// when all who write and read have done so.
    ///
    /// # Safety
    /// There are as many bytes at `address`, which stay there until `keeper` is dropped.
    #[allow(unsafe_code)] // A promise of the caller alone: nothing here is unsafe.
    pub(super) unsafe fn foreign(
        home: &Stream,
        (address, size_bytes): (u64, usize),
        keeper: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let owner = Owner::Foreign(Foreign::to_write(home, keeper));
        Self { home: home.clone(), address, size_bytes, owner }
    }

    /// Where it is on the device, for work of [`Allocation::home`].
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Size in bytes.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The stream whose work writes it.
    pub fn home(&self) -> &Stream {
        &self.home
    }

    /// Lets all its bytes become `byte`.
    ///
    /// # Errors
    /// When the device is lost.
    #[allow(unsafe_code)]
    pub fn fill(&mut self, byte: u8) -> Result<(), DeviceError> {
        let device = self.home.device();
        device.enter()?;
        // SAFETY: the memory is of this size, and is given back in the order of this stream.
        let filled = unsafe { memory::fill(self.address, byte, self.size_bytes, self.home.raw()) };
        device.told(filled)
    }

    /// Shares it: it is ready when all that its stream was given by now is done.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn ready(self) -> Result<Arc<DeviceBuffer>, DeviceError> {
        let ready = self.home.record()?;
        let Self { address, size_bytes, mut owner, .. } = self;
        owner.written(&ready);
        Ok(Arc::new(DeviceBuffer { address, size_bytes, ready: Some(ready), owner }))
    }

    /// Where bytes of it are.
    pub(super) fn place(&self, range: &Range<usize>) -> Result<u64, DeviceError> {
        place("an allocation", (self.address(), self.size_bytes()), range)
    }
}

impl DeviceBuffer {
    /// Memory that somebody else owns, such as an engine's arena or another process. `keeper` is
    /// dropped, on the reaper's thread, when all who read have done so.
    ///
    /// # Safety
    /// `device` has as many bytes at `address`, which stay there until `keeper` is dropped. Who writes
    /// them after `ready` changes what readers meet, so that must be what they can bear.
    #[allow(unsafe_code)] // A promise of the caller alone: nothing here is unsafe.
    pub unsafe fn foreign(
        device: &Device,
        (address, size_bytes): (u64, usize),
        ready: Option<Event>,
        keeper: Arc<dyn Any + Send + Sync>,
    ) -> Arc<Self> {
        let owner = Owner::Foreign(Foreign::new(device, keeper));
        Arc::new(Self { address, size_bytes, ready, owner })
    }

    /// The buffer that a tensor lies in, and which of its bytes are the tensor's; `None` on the host,
    /// or if it is no memory of this layer's.
    pub fn of(tensor: &Tensor) -> Option<(&Self, Range<usize>)> {
        let (Storage::Device(memory), range) = tensor.storage() else { return None };
        let memory: &dyn Any = &**memory;
        Some((memory.downcast_ref()?, range))
    }

    /// Lets work that `stream` is given from now on read it, after those who write it.
    ///
    /// # Errors
    /// [`DeviceError::OtherDevice`] if the stream is none of its device, or when that is lost.
    pub fn read<'a>(&'a self, stream: &'a Stream) -> Result<Reading<'a>, DeviceError> {
        let (memory, other) = (self.device(), stream.device().id());
        if memory != other {
            return Err(DeviceError::OtherDevice { memory, stream: other });
        }
        self.read_across(stream)
    }

    /// As `read`, by a copy between devices.
    pub(super) fn read_across<'a>(
        &'a self,
        stream: &'a Stream,
    ) -> Result<Reading<'a>, DeviceError> {
        self.owner.device().check()?;
        if let Some(ready) = &self.ready {
            stream.wait(ready)?;
        }
        Ok(Reading { buffer: self, stream })
    }

    /// When it is ready; `None` if it always was.
    pub fn ready(&self) -> Option<&Event> {
        self.ready.as_ref()
    }

    /// How many reads it remembers.
    #[cfg(test)]
    pub(super) fn readers(&self) -> usize {
        self.owner.readers()
    }

    /// The device that it is memory of.
    pub fn owner(&self) -> &Device {
        self.owner.device()
    }
}

impl DeviceMemory for DeviceBuffer {
    fn device(&self) -> DeviceId {
        self.owner.device().id()
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

impl Reading<'_> {
    /// Where the buffer is on the device, for work of [`Reading::stream`].
    pub fn address(&self) -> u64 {
        self.buffer.address
    }

    /// Size of the buffer in bytes.
    pub fn size_bytes(&self) -> usize {
        self.buffer.size_bytes
    }

    /// Whose work may read.
    pub fn stream(&self) -> &Stream {
        self.stream
    }

    /// Where bytes of it are.
    ///
    /// # Errors
    /// [`DeviceError::Range`] if there are not so many.
    pub fn place(&self, range: &Range<usize>) -> Result<u64, DeviceError> {
        place("a buffer", (self.address(), self.size_bytes()), range)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.buffer.owner.read_by(self.stream);
    }
}

fn place(
    what: &'static str,
    (address, size): (u64, usize),
    range: &Range<usize>,
) -> Result<u64, DeviceError> {
    let Range { start, end } = *range;
    if start > end || end > size {
        return Err(DeviceError::Range { what, start, end, size });
    }
    Ok(address + start as u64)
}
