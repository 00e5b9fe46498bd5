//! Big blocks, mapped from the system, and kept when nobody uses them.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A huge page: blocks are multiples of it.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// By how much a block may be larger than what it was asked for: so similar sizes fit each other.
const EXCESS_PARTS: usize = 8;

/// Blocks that are kept at most. A list that could grow would allocate.
const BLOCKS_MAX: usize = 128;

/// Big blocks. Those that nobody uses are kept, as long as all together do not exceed a limit: they
/// never make a process larger than its users did, or the limit.
pub(crate) struct Kept {
    total_bytes_max: AtomicUsize,
    blocks: Mutex<Blocks>,
}

struct Blocks {
    /// Of those that somebody has.
    used_bytes: usize,
    /// Those that nobody has, the longest unused first.
    places: [Option<Block>; BLOCKS_MAX],
    /// The places before have a block, those behind none.
    count: usize,
    size_bytes: usize,
    /// How often blocks were given back.
    turn: u64,
}

struct Block {
    start: NonNull<u8>,
    size_bytes: usize,
    /// When it was put here.
    turn: u64,
}

// SAFETY: it is the only pointer to its memory.
unsafe impl Send for Block {}

/// A block that somebody has now.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    /// Its bytes are zero.
    Fresh(NonNull<u8>),
    /// It has what its last user left.
    Used(NonNull<u8>),
}

impl Kept {
    pub(crate) const fn new(total_bytes_max: usize) -> Self {
        let places = [const { None }; BLOCKS_MAX];
        let blocks = Blocks { used_bytes: 0, places, count: 0, size_bytes: 0, turn: 0 };
        Self { total_bytes_max: AtomicUsize::new(total_bytes_max), blocks: Mutex::new(blocks) }
    }

    pub(crate) fn limit(&self, total_bytes_max: usize) {
        self.total_bytes_max.store(total_bytes_max, Ordering::Relaxed);
    }

    /// A block of `size_bytes` or more, unless the system has no memory. A fresh one takes the place
    /// of kept ones where all together would be too many.
    pub(crate) fn take(&self, size_bytes: usize) -> Option<Found> {
        let size_bytes = rounded(size_bytes);
        if let Some(block) = self.blocks().take(size_bytes) {
            return Some(Found::Used(block.start));
        }
        // Not under the lock: to map and to unmap take a while.
        while let Some(block) = self.take_one_for(size_bytes) {
            block.unmap();
        }
        let fresh = map(size_bytes)?;
        self.blocks().used_bytes += size_bytes;
        Some(Found::Fresh(fresh))
    }

    /// Keeps a block, or gives it back to the system if there are too many.
    ///
    /// # Safety
    /// It was taken for `size_bytes`, and nobody uses it any more.
    pub(crate) unsafe fn put(&self, start: *mut u8, size_bytes: usize) {
        let Some(start) = NonNull::new(start) else { return };
        let block = Block { start, size_bytes: rounded(size_bytes), turn: 0 };
        let refused = self.blocks().put(block, self.total_bytes_max());
        refused.into_iter().for_each(Block::unmap);
    }

    /// Gives back what was put here before the last call.
    pub(crate) fn give_back(&self) {
        let mut blocks = self.blocks();
        let now = blocks.turn;
        blocks.turn += 1;
        drop(blocks);
        // One at a time, so that nobody waits for long.
        while let Some(block) = self.take_older(now) {
            block.unmap();
        }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.blocks().size_bytes
    }

    /// The longest unused block, if one more would be too much beside it.
    fn take_one_for(&self, size_bytes: usize) -> Option<Block> {
        let mut blocks = self.blocks();
        let is_too_much = blocks.would_have(size_bytes) > self.total_bytes_max();
        is_too_much.then(|| blocks.remove(0)).flatten()
    }

    fn total_bytes_max(&self) -> usize {
        self.total_bytes_max.load(Ordering::Relaxed)
    }

    fn take_older(&self, turn: u64) -> Option<Block> {
        let mut blocks = self.blocks();
        let is_older = blocks.places[0].as_ref().is_some_and(|block| block.turn < turn);
        is_older.then(|| blocks.remove(0)).flatten()
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    /// The last used one of this size: it is the warmest.
    fn take(&mut self, size_bytes: usize) -> Option<Block> {
        let fits = |block: &Option<Block>| {
            block.as_ref().is_some_and(|block| block.size_bytes == size_bytes)
        };
        let place = self.places[..self.count].iter().rposition(fits)?;
        self.used_bytes += size_bytes;
        self.remove(place)
    }

    /// Bytes of all blocks, with one more.
    fn would_have(&self, size_bytes: usize) -> usize {
        self.used_bytes + self.size_bytes + size_bytes
    }

    fn remove(&mut self, place: usize) -> Option<Block> {
        let block = self.places[place].take()?;
        self.places[place..self.count].rotate_left(1);
        self.count -= 1;
        self.size_bytes -= block.size_bytes;
        Some(block)
    }

    /// The block itself, if it is too much.
    fn put(&mut self, block: Block, total_bytes_max: usize) -> Option<Block> {
        self.used_bytes -= block.size_bytes;
        if self.count == BLOCKS_MAX || self.would_have(block.size_bytes) > total_bytes_max {
            return Some(block);
        }
        self.size_bytes += block.size_bytes;
        self.places[self.count] = Some(Block { turn: self.turn, ..block });
        self.count += 1;
        None
    }
}

impl Block {
    fn unmap(self) {
        // SAFETY: it is a whole mapping, and nobody else has a pointer to it.
        let _it_is_one = unsafe { libc::munmap(self.start.as_ptr().cast(), self.size_bytes) };
    }
}

/// The size of the block for `size_bytes`.
pub(crate) fn rounded(size_bytes: usize) -> usize {
    let step = (size_bytes.next_power_of_two() / EXCESS_PARTS).max(HUGE_PAGE_BYTES);
    size_bytes.next_multiple_of(step)
}

fn map(size_bytes: usize) -> Option<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: where there is nothing, and of nothing, it may map anything.
    let start = unsafe { libc::mmap(ptr::null_mut(), size_bytes, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: it has just been mapped. It is but advice, as much as that may fail.
    #[cfg(target_os = "linux")]
    let _advised = unsafe { libc::madvise(start, size_bytes, libc::MADV_HUGEPAGE) };
    NonNull::new(start.cast())
}
