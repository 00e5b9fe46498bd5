//! Pinned memory of the host: what a device copies from and to by itself. It is dear to get, so
//! blocks are kept, up to a limit, and used again when the copies from or to them are done.
//!
//! A block may hold another client's data, as of [`crate::host_pool`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::sys::memory::Pinned;
use super::sys::stream::Event;
use super::{Device, DeviceError, Limit, Stream, sys};

/// Blocks are multiples of this, so that similar sizes fit each other.
const STEP_BYTES: usize = 64 << 10;

/// A kept block serves for a size if it is at most this many times as large.
const EXCESS_MAX: usize = 2;

/// The blocks of one device that nobody uses.
pub(super) struct PinnedPool {
    /// All blocks, whether somebody uses them or not.
    limit: Limit,
    /// The longest unused first.
    kept: Mutex<Vec<Block>>,
}

/// Pinned memory with one owner, of unspecified contents; it goes back to its device's pool.
pub struct PinnedBuffer {
    /// `None` only while it is dropped.
    block: Option<Block>,
    size_bytes: usize,
    /// Without its context the memory would be gone.
    device: Device,
}

/// Pinned memory, and the end of the last copy from or to it.
pub(super) struct Block {
    memory: Pinned,
    copied: Event,
}

impl PinnedPool {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { limit: Limit::new(bytes_max), kept: Mutex::default() }
    }

    pub(super) fn limit(&self) -> &Limit {
        &self.limit
    }

    /// What is kept, for the end of the device.
    pub(super) fn close(&self) -> Vec<Block> {
        std::mem::take(&mut *self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Block>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last used block that fits and is idle: it is the warmest.
    fn find(&self, size_bytes: usize) -> sys::Result<Option<Block>> {
        let mut kept = self.kept();
        for index in (0..kept.len()).rev() {
            let size = kept[index].memory.size_bytes();
            let fits = size >= size_bytes && size / EXCESS_MAX <= size_bytes.max(STEP_BYTES);
            if fits && kept[index].is_idle()? {
                return Ok(Some(kept.remove(index)));
            }
        }
        Ok(None)
    }

    /// Takes idle blocks out, the longest unused first, until there is room for `size_bytes`; whether
    /// there is.
    fn make_room(&self, size_bytes: usize) -> sys::Result<(bool, Vec<Block>)> {
        let (mut kept, mut evicted) = (self.kept(), Vec::new());
        let mut index = 0;
        while !self.limit.take(size_bytes) {
            let Some(block) = kept.get(index) else { return Ok((false, evicted)) };
            if block.is_idle()? {
                let block = kept.remove(index);
                self.limit.give_back(block.memory.size_bytes());
                evicted.push(block);
            } else {
                index += 1;
            }
        }
        Ok((true, evicted))
    }
}

impl Block {
    fn allocate(size_bytes: usize) -> sys::Result<Self> {
        let copied = Event::create()?;
        Ok(Self { memory: Pinned::allocate(size_bytes)?, copied })
    }

    fn is_idle(&self) -> sys::Result<bool> {
        match self.copied.query() {
            Err(failure) if failure.is_not_ready() => Ok(false),
            answer => answer.map(|()| true),
        }
    }

    /// The host waits for the last copy: the driver does not promise to.
    pub(super) fn free(self) -> sys::Result<()> {
        self.copied.synchronize()?;
        self.copied.destroy()?;
        self.memory.free()
    }
}

impl Stream {
    /// Pinned memory of `size_bytes`, of unspecified contents, for copies of this stream.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] over the limit, or when the operating system has no more.
    pub fn pinned(&self, size_bytes: usize) -> Result<PinnedBuffer, DeviceError> {
        let device = self.device();
        device.enter()?;
        let block = match device.told(device.0.pinned.find(size_bytes))? {
            Some(block) => block,
            None => self.pin(size_bytes.max(1).next_multiple_of(STEP_BYTES))?,
        };
        Ok(PinnedBuffer { block: Some(block), size_bytes, device: device.clone() })
    }

    fn pin(&self, size_bytes: usize) -> Result<Block, DeviceError> {
        let (device, pool) = (self.device(), &self.device().0.pinned);
        let (has_room, evicted) = device.told(pool.make_room(size_bytes))?;
        for block in evicted {
            device.told(block.free())?;
        }
        if !has_room {
            return Err(self.out_of_memory("pinned memory", pool.limit(), size_bytes, None));
        }
        Block::allocate(size_bytes).map_err(|failure| {
            pool.limit().give_back(size_bytes);
            self.not_allocated("pinned memory", pool.limit(), size_bytes, failure)
        })
    }
}

impl PinnedBuffer {
    /// Keeps the memory from its next use until what the stream was given by now is done. If that
    /// cannot be told, nobody gets it again.
    ///
    /// # Errors
    /// When the device is lost.
    pub(super) fn hold(&mut self, stream: &Stream) -> Result<(), DeviceError> {
        let recorded =
            self.block.as_ref().map_or(Ok(()), |block| block.copied.record(stream.raw()));
        if recorded.is_err() && stream.raw().synchronize().is_err() {
            let _never_freed = self.block.take();
        }
        self.device.told(recorded)
    }

    /// Lets the host wait for the last copy.
    pub(super) fn wait(&self) -> Result<(), DeviceError> {
        let Some(block) = &self.block else { return Ok(()) };
        self.device.enter()?;
        let is_idle = self.device.told(block.is_idle())?;
        if is_idle { Ok(()) } else { self.device.told(block.copied.synchronize()) }
    }
}

impl AsRef<[u8]> for PinnedBuffer {
    fn as_ref(&self) -> &[u8] {
        self.block.as_ref().map_or(&[], |block| &block.memory.bytes()[..self.size_bytes])
    }
}

impl AsMut<[u8]> for PinnedBuffer {
    fn as_mut(&mut self) -> &mut [u8] {
        let size_bytes = self.size_bytes;
        self.block.as_mut().map_or(&mut [], |block| &mut block.memory.bytes_mut()[..size_bytes])
    }
}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        self.device.0.pinned.kept().extend(self.block.take());
    }
}
