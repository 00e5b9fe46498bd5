//! Who gives memory back, and after whom.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::sys::memory::Memory;
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

/// Memory of somebody else, who is told by a drop when the writer and the readers are done.
pub(super) struct Foreign {
    device: Device,
    /// Whose work writes it, until it is known where that ends.
    writer: Option<Stream>,
    /// `None` only while it is dropped.
    keeper: Option<Arc<dyn Any + Send + Sync>>,
    readers: Readers,
}

/// The last read of each stream. Memory that lives long, such as another process's, is read by streams
/// that come and go: above so many, those that are done are forgotten.
#[derive(Default)]
struct Readers(Mutex<Vec<Event>>);

const READERS_KEPT: usize = 16;

impl Owner {
    pub(super) fn device(&self) -> &Device {
        match self {
            Self::Pool(pooled) => pooled.home.device(),
            Self::Foreign(foreign) => &foreign.device,
        }
    }

    #[cfg(test)]
    pub(super) fn readers(&self) -> usize {
        let (Self::Pool(Pooled { readers, .. }) | Self::Foreign(Foreign { readers, .. })) = self;
        readers.0.lock().unwrap().len()
    }

    /// Notes that its writer is done when `ready` has come.
    pub(super) fn written(&mut self, ready: &Event) {
        if let Self::Foreign(foreign) = self {
            foreign.writer = None;
            foreign.readers.add(ready.clone());
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
        if let Some(budget) = home.budget()
            && !budget.take(size_bytes)
        {
            return Err(home.out_of_memory("its share of the memory", budget, size_bytes, None));
        }
        if !limit.take(size_bytes) {
            home.budget().inspect(|budget| budget.give_back(size_bytes));
            return Err(home.out_of_memory("device memory", limit, size_bytes, None));
        }
        let memory =
            Memory::allocate(device.pool(), size_bytes, home.raw()).map_err(|failure| {
                give_back(home, size_bytes);
                home.not_allocated("device memory", limit, size_bytes, failure)
            })?;
        Ok(Self { home: home.clone(), memory, size_bytes, readers: Readers::default() })
    }

    pub(super) fn address(&self) -> u64 {
        self.memory.address()
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let device = self.home.device();
        give_back(&self.home, self.size_bytes);
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

/// Counts memory that was `home`'s as used no more.
fn give_back(home: &Stream, size_bytes: usize) {
    home.device().memory().give_back(size_bytes);
    if let Some(budget) = home.budget() {
        budget.give_back(size_bytes);
    }
}

impl Foreign {
    /// That nobody writes any more.
    pub(super) fn new(device: &Device, keeper: Arc<dyn Any + Send + Sync>) -> Self {
        let (device, keeper) = (device.clone(), Some(keeper));
        Self { device, writer: None, keeper, readers: Readers::default() }
    }

    /// To be written by work of `home`. Who drops it before that ends may call the driver.
    pub(super) fn to_write(home: &Stream, keeper: Arc<dyn Any + Send + Sync>) -> Self {
        let mut foreign = Self::new(home.device(), keeper);
        foreign.writer = Some(home.clone());
        foreign
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.readers.note(&writer);
        }
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
        self.add(read);
    }

    fn add(&self, read: Event) {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = readers.iter_mut().find(|other| other.stream().is(read.stream())) {
            *earlier = read;
            return;
        }
        if readers.len() >= READERS_KEPT {
            readers.retain(|earlier| !matches!(earlier.is_done(), Ok(true)));
        }
        readers.push(read);
    }

    fn take(&mut self) -> Vec<Event> {
        std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}
