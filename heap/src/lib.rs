//! The heap of everything that is written in Rust. What C++ libraries allocate is glibc's, as before.
//!
//! Small blocks are mimalloc's. What a request allocates on one thread is freed on another; for that
//! glibc locks an arena, and two threads that meet there put each other to sleep: at eight clients a
//! fifth of the server's time.
//!
//! Big blocks, such as a tensor is received in, are mapped in huge pages, and kept for some seconds
//! when they are freed. To fault in the pages of a fresh one costs several times
//! what is done in it.

mod kept;

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;

use mimalloc::MiMalloc;

use crate::kept::{Found, Kept};

/// Smaller blocks are mimalloc's, which has them warm anyway.
const BIG_BYTES_MIN: usize = 1 << 20;

/// What every system aligns a mapping to.
const PAGE_BYTES: usize = 4 << 10;

/// A global allocator.
pub struct Heap {
    kept: Kept,
}

impl Heap {
    /// A heap that keeps big blocks that nobody uses as long as they, and those in use, have at most
    /// `total_bytes_max` together.
    pub const fn new(total_bytes_max: usize) -> Self {
        Self { kept: Kept::new(total_bytes_max) }
    }

    /// Sets that limit anew.
    pub fn limit(&self, total_bytes_max: usize) {
        self.kept.limit(total_bytes_max);
    }

    /// Gives big blocks back to the system that nobody has used since the last call but one. To be
    /// called every few seconds.
    pub fn give_back(&self) {
        self.kept.give_back();
    }

    /// Bytes of big blocks that are kept, and used by nobody.
    pub fn kept_bytes(&self) -> usize {
        self.kept.size_bytes()
    }
}

// SAFETY: a block is mimalloc's or mapped by what its layout says alone, so it goes back to where it
// is from. A mapping is as large as its layout says, or larger, starts at a page, and is handed out
// to one at a time. Nothing here panics.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            // SAFETY: as the caller says.
            return unsafe { MiMalloc.alloc(layout) };
        }
        match self.kept.take(layout.size()) {
            Some(Found::Fresh(block) | Found::Used(block)) => block.as_ptr(),
            None => ptr::null_mut(),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            // SAFETY: as the caller says.
            return unsafe { MiMalloc.alloc_zeroed(layout) };
        }
        match self.kept.take(layout.size()) {
            Some(Found::Fresh(block)) => block.as_ptr(), // The system has zeroed it.
            Some(Found::Used(block)) => {
                // SAFETY: it has this size at least, and nobody else has it.
                unsafe { block.write_bytes(0, layout.size()) };
                block.as_ptr()
            }
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_small(layout) {
            // SAFETY: by its layout it is mimalloc's.
            return unsafe { MiMalloc.dealloc(block, layout) };
        }
        // SAFETY: by its layout it was taken there, and the caller gives it up.
        unsafe { self.kept.put(block, layout.size()) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller says that the new size fits the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (is_small(layout), is_small(new)) {
            // SAFETY: by its layout it is mimalloc's.
            (true, true) => return unsafe { MiMalloc.realloc(block, layout, new_size) },
            (false, false) if kept::rounded(layout.size()) == kept::rounded(new_size) => {
                return block;
            }
            _ => {}
        }
        // SAFETY: as the caller says, its size is not 0.
        let moved = unsafe { self.alloc(new) };
        if !moved.is_null() {
            // SAFETY: both have as many bytes, and are not the same block.
            unsafe { moved.copy_from_nonoverlapping(block, layout.size().min(new_size)) };
            // SAFETY: the caller has given it up, as it gets another one.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

/// Whether such a block is mimalloc's.
fn is_small(layout: Layout) -> bool {
    layout.size() < BIG_BYTES_MIN || layout.align() > PAGE_BYTES
}

#[cfg(test)]
mod tests;
