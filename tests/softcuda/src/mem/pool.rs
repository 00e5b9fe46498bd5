//! Pools of memory that is allocated and freed in a stream's order. What is freed stays the pool's
//! until somebody waits, and then as much as its release threshold says. (CUDA Driver API, "Stream
//! Ordered Memory Allocator".) Blocks are as large as asked for: a GPU reserves more at a time.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::code::{Code, Result};
use crate::sync::lock;

/// A pool of one device.
pub(crate) struct Pool {
    pub(crate) device: usize,
    /// For people: the first one is #1; those that devices come with count too.
    pub(crate) number: u64,
    pub(super) maker: Maker,
    bytes_max: u64,
    usage: Mutex<Usage>,
    /// How freed memory may be used again. It never is here, so they are only kept.
    reuses: [AtomicU32; 3],
    is_destroyed: AtomicBool,
    /// Other devices whose kernels reach its memory.
    open_to: Mutex<BTreeSet<usize>>,
}

/// Who made a pool, and is to destroy it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Maker {
    Device,
    Program,
}

/// Bytes of a pool.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) used_high: u64,
    pub(crate) reserved: u64,
    pub(crate) reserved_high: u64,
    /// What a wait leaves reserved.
    pub(crate) threshold: u64,
}

impl Pool {
    /// `bytes_max` is 0 for a pool that only the device bounds.
    pub(super) fn new(device: usize, number: u64, maker: Maker, bytes_max: u64) -> Self {
        Self {
            device,
            number,
            maker,
            bytes_max: if bytes_max == 0 { u64::MAX } else { bytes_max },
            usage: Mutex::default(),
            reuses: [1, 1, 1].map(AtomicU32::new),
            is_destroyed: AtomicBool::new(false),
            open_to: Mutex::default(),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        *lock(&self.usage)
    }

    pub(crate) fn set_threshold(&self, bytes: u64) {
        lock(&self.usage).threshold = bytes;
    }

    /// Lets the highest reservation be what is reserved now.
    pub(crate) fn reset_reserved_high(&self) {
        let mut usage = lock(&self.usage);
        usage.reserved_high = usage.reserved;
    }

    /// Lets the highest use be what is used now.
    pub(crate) fn reset_used_high(&self) {
        let mut usage = lock(&self.usage);
        usage.used_high = usage.used;
    }

    /// The setting of that place, in the order of `CUmemPool_attribute`.
    pub(crate) fn reuse(&self, place: usize) -> Option<&AtomicU32> {
        self.reuses.get(place)
    }

    pub(crate) fn open_to(&self, device: usize) {
        lock(&self.open_to).insert(device);
    }

    pub(crate) fn close_to(&self, device: usize) {
        lock(&self.open_to).remove(&device);
    }

    /// Whether another device's kernels reach its memory.
    pub(crate) fn is_open_to(&self, device: usize) -> bool {
        lock(&self.open_to).contains(&device)
    }

    /// What must be reserved in addition for an allocation.
    ///
    /// # Errors
    /// `OUT_OF_MEMORY` of more than the pool may hold.
    pub(super) fn growth(&self, size: u64) -> Result<u64> {
        let usage = lock(&self.usage);
        let used = usage.used.checked_add(size).filter(|used| *used <= self.bytes_max);
        Ok(used.ok_or(Code::OUT_OF_MEMORY)?.saturating_sub(usage.reserved))
    }

    pub(super) fn take(&self, size: u64) {
        let mut usage = lock(&self.usage);
        usage.used += size;
        usage.used_high = usage.used_high.max(usage.used);
        usage.reserved = usage.reserved.max(usage.used);
        usage.reserved_high = usage.reserved_high.max(usage.reserved);
    }

    pub(super) fn give_back(&self, size: u64) {
        let mut usage = lock(&self.usage);
        usage.used = usage.used.saturating_sub(size);
        if self.is_destroyed() {
            usage.reserved = usage.used;
        }
    }

    /// Returns to the device what is not used, but for so many bytes.
    pub(crate) fn trim_to(&self, kept: u64) {
        let mut usage = lock(&self.usage);
        usage.reserved = usage.reserved.min(kept.max(usage.used));
    }

    /// As `trim_to` the threshold: somebody waited.
    pub(crate) fn release(&self) {
        self.trim_to(self.usage().threshold);
    }

    /// It lives on until all that came from it is freed.
    pub(super) fn destroy(&self) {
        self.is_destroyed.store(true, Ordering::Relaxed);
        self.trim_to(0);
    }

    pub(super) fn is_destroyed(&self) -> bool {
        self.is_destroyed.load(Ordering::Relaxed)
    }
}
