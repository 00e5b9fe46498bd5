//! Big buffers on the host, used again: the first write to a fresh page costs several times the
//! work that is done in it.
//!
//! What is given back is kept, up to a limit, and handed out as it is: whoever takes a buffer has
//! to overwrite all of it that others will see, as there may be another client's data in it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::{Advice, MmapMut, MmapOptions};

/// Smaller buffers come from the heap, which is warm anyway.
const POOLED_BYTES_MIN: usize = 1 << 20;

/// Pooled buffers are multiples of this, a huge page, so that similar sizes fit each other.
const STEP_BYTES: usize = 2 << 20;

/// A kept buffer serves for a size if it is at most this many times as large.
const EXCESS_MAX: usize = 2;

/// Where big buffers come from and go to. Cloning shares it.
#[derive(Clone, Debug)]
pub struct HostPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept_bytes_max: usize,
    /// What nobody uses, the longest unused first.
    kept: Mutex<Vec<MmapMut>>,
}

impl HostPool {
    /// A pool that keeps at most `kept_bytes_max` of what nobody uses.
    pub fn new(kept_bytes_max: usize) -> Self {
        Self(Arc::new(Shared { kept_bytes_max, kept: Mutex::default() }))
    }

    /// A buffer of `size_bytes`, of unspecified contents, aligned for every element type.
    ///
    /// # Errors
    /// When the operating system has no memory.
    pub fn take(&self, size_bytes: usize) -> io::Result<HostBuffer> {
        let memory = if size_bytes < POOLED_BYTES_MIN {
            Memory::Heap(vec![0; size_bytes.div_ceil(size_of::<u64>())])
        } else {
            let kept = self.0.find(size_bytes);
            let mapped = kept.map_or_else(|| map(size_bytes), Ok)?;
            Memory::Mapped(mapped, self.0.clone())
        };
        Ok(HostBuffer { memory: Some(memory), size_bytes })
    }

    /// Bytes that are kept, and used by nobody.
    pub fn kept_bytes(&self) -> usize {
        self.0.kept().iter().map(|memory| memory.len()).sum()
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Vec<MmapMut>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last used one that fits: it is the warmest.
    fn find(&self, size_bytes: usize) -> Option<MmapMut> {
        let fits = |memory: &MmapMut| {
            memory.len() >= size_bytes && memory.len() / EXCESS_MAX <= size_bytes.max(STEP_BYTES)
        };
        let mut kept = self.kept();
        let index = kept.iter().rposition(fits)?;
        Some(kept.remove(index))
    }

    fn keep(&self, memory: MmapMut) {
        let mut kept = self.kept();
        kept.push(memory);
        let mut total: usize = kept.iter().map(|memory| memory.len()).sum();
        let mut excess = Vec::new();
        while total > self.kept_bytes_max {
            let oldest = kept.remove(0);
            total -= oldest.len();
            excess.push(oldest);
        }
        drop(kept); // Unmapping takes a while: not under the lock.
    }
}

fn map(size_bytes: usize) -> io::Result<MmapMut> {
    let memory = MmapOptions::new().len(size_bytes.next_multiple_of(STEP_BYTES)).map_anon()?;
    #[cfg(target_os = "linux")]
    let _it_is_but_advice = memory.advise(Advice::HugePage);
    Ok(memory)
}

/// A buffer that goes back to its pool when it is dropped.
#[derive(Debug)]
pub struct HostBuffer {
    /// `None` only while it is dropped.
    memory: Option<Memory>,
    size_bytes: usize,
}

#[derive(Debug)]
enum Memory {
    Heap(Vec<u64>),
    Mapped(MmapMut, Arc<Shared>),
}

impl AsRef<[u8]> for HostBuffer {
    fn as_ref(&self) -> &[u8] {
        match &self.memory {
            Some(Memory::Heap(words)) => &bytemuck::cast_slice(words)[..self.size_bytes],
            Some(Memory::Mapped(memory, _)) => &memory[..self.size_bytes],
            None => &[],
        }
    }
}

impl AsMut<[u8]> for HostBuffer {
    fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Some(Memory::Heap(words)) => &mut bytemuck::cast_slice_mut(words)[..self.size_bytes],
            Some(Memory::Mapped(memory, _)) => &mut memory[..self.size_bytes],
            None => &mut [],
        }
    }
}

impl Drop for HostBuffer {
    fn drop(&mut self) {
        if let Some(Memory::Mapped(memory, pool)) = self.memory.take() {
            pool.keep(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_is_given_back_is_used_again() {
        let pool = HostPool::new(16 * MIB);
        let mut buffer = pool.take(5 * MIB).unwrap();
        let place = buffer.as_mut().as_mut_ptr();
        buffer.as_mut()[5 * MIB - 1] = 7;
        drop(buffer);
        assert_eq!(pool.kept_bytes(), 6 * MIB);
        let again = pool.take(6 * MIB).unwrap();
        assert_eq!((again.as_ref().as_ptr(), pool.kept_bytes()), (place.cast_const(), 0));
        assert_eq!((again.as_ref().len(), again.as_ref()[5 * MIB - 1]), (6 * MIB, 7));
    }

    #[test]
    fn only_what_fits_is_used_again() {
        let pool = HostPool::new(64 * MIB);
        drop(pool.take(12 * MIB).unwrap());
        for (size_bytes, kept) in [(12 * MIB + 1, 12), (6 * MIB - 1, 12), (6 * MIB, 0)] {
            let buffer = pool.take(size_bytes).unwrap();
            assert_eq!(pool.kept_bytes(), kept * MIB, "{size_bytes}");
            std::mem::forget(buffer);
        }
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let pool = HostPool::new(10 * MIB);
        let buffers: Vec<_> = [4, 4, 4, 40].map(|size| pool.take(size * MIB).unwrap()).into();
        for (buffer, kept) in buffers.into_iter().zip([4, 8, 8, 0]) {
            drop(buffer);
            assert_eq!(pool.kept_bytes(), kept * MIB);
        }
    }

    #[test]
    fn small_buffers_are_not_kept_and_have_their_size() {
        let pool = HostPool::new(10 * MIB);
        for size_bytes in [0, 1, 7, 8, 9, MIB - 1] {
            let mut buffer = pool.take(size_bytes).unwrap();
            assert_eq!((buffer.as_ref().len(), buffer.as_mut().len()), (size_bytes, size_bytes));
            assert!(buffer.as_ref().as_ptr().addr().is_multiple_of(size_of::<u64>()));
        }
        assert_eq!(pool.kept_bytes(), 0);
    }
}
