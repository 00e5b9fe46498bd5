//! Who gives memory back, and after whom.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::sys::memory::{self, Memory};
use crate::device::{Device, DeviceError, Event, Events, Stream};

pub(super) enum Owner {
    Pool(Pooled),
    Foreign(Foreign),
}

/// Memory of the device's pool, freed behind its readers in the order of one of their streams, or, if
/// it has none, of its home stream.
pub(super) struct Pooled {
    home: Stream,
    memory: Memory,
    size_bytes: usize,
    readers: Readers,
}

/// Memory of somebody else, who is told by a drop when the readers are done.
pub(super) struct Foreign {
    device: Device,
    /// `None` only while it is dropped.
    keeper: Option<Arc<dyn Any + Send + Sync>>,
    readers: Readers,
}

/// The last read of each stream.
#[derive(Default)]
struct Readers(Mutex<Vec<Event>>);

impl Owner {
    pub(super) fn device(&self) -> &Device {
        match self {
            Self::Pool(pooled) => pooled.home.device(),
            Self::Foreign(foreign) => &foreign.device,
        }
    }

    /// Notes that the work which the stream was given by now reads the memory.
    pub(super) fn read_by(&self, stream: &Stream) {
        match self {
            // Freed in this stream's order anyway.
            Self::Pool(pooled) if pooled.home.is(stream) => {}
            Self::Pool(pooled) => pooled.readers.note(stream),
            Self::Foreign(foreign) => foreign.readers.note(stream),
        }
    }
}

impl Pooled {
    pub(super) fn allocate(home: &Stream, size_bytes: usize) -> Result<Self, DeviceError> {
        let device = home.device();
        device.enter()?;
        let limit = device.memory();
        if !limit.take(size_bytes) {
            return Err(home.out_of_memory("device memory", limit, size_bytes, None));
        }
        let memory =
            Memory::allocate(device.pool(), size_bytes, home.raw()).map_err(|failure| {
                limit.give_back(size_bytes);
                home.not_allocated("device memory", limit, size_bytes, failure)
            })?;
        Ok(Self { home: home.clone(), memory, size_bytes, readers: Readers::default() })
    }

    pub(super) fn home(&self) -> &Stream {
        &self.home
    }

    pub(super) fn address(&self) -> u64 {
        self.memory.address()
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    #[allow(unsafe_code)]
    pub(super) fn fill(&mut self, byte: u8) -> Result<(), DeviceError> {
        let device = self.home.device();
        device.enter()?;
        // SAFETY: the memory is of this size, and is freed in the order of this stream.
        let filled =
            unsafe { memory::fill(self.address(), byte, self.size_bytes, self.home.raw()) };
        device.told(filled)
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let device = self.home.device();
        device.memory().give_back(self.size_bytes);
        let (memory, readers) = (self.memory.take(), self.readers.take());
        // Every reader is behind the writers. Home would stand still until they are done, and what it
        // is given next is of the next batch.
        let mut streams = readers.iter().map(Event::stream);
        let last = streams.find(|stream| stream.device().id() == device.id());
        let last = last.unwrap_or(&self.home).clone();
        device.release(move |_| {
            let others = readers.iter().filter(|reader| !reader.stream().is(&last));
            others.into_iter().try_for_each(|reader| reader.hold(last.raw()))?;
            memory.free(last.raw())
        });
    }
}

impl Foreign {
    pub(super) fn new(device: &Device, keeper: Arc<dyn Any + Send + Sync>) -> Self {
        Self { device: device.clone(), keeper: Some(keeper), readers: Readers::default() }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let (keeper, readers) = (self.keeper.take(), Events(self.readers.take()));
        self.device.reaper().watch(Box::new(readers), Box::new(move |_| drop(keeper)));
    }
}

impl Readers {
    fn note(&self, stream: &Stream) {
        let Ok(read) = stream.record() else {
            // The memory may be given back only when the reads are done, so they are awaited here.
            // If that fails too, the device is lost, and nothing is given back any more.
            return drop(stream.synchronize());
        };
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match readers.iter_mut().find(|other| other.stream().is(stream)) {
            Some(earlier) => *earlier = read,
            None => readers.push(read),
        }
    }

    fn take(&mut self) -> Vec<Event> {
        std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}
