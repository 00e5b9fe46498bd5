//! How much memory may be in use, counted before any is taken.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes in use, and how many may be.
#[derive(Debug)]
pub struct Limit {
    bytes_max: usize,
    in_use: AtomicUsize,
}

impl Limit {
    /// Up to `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, in_use: AtomicUsize::new(0) }
    }

    /// Bytes that may be in use.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Bytes that are.
    pub fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Counts `size_bytes` as used, if there are so many left.
    pub(super) fn take(&self, size_bytes: usize) -> bool {
        let fits =
            |in_use: usize| in_use.checked_add(size_bytes).filter(|total| *total <= self.bytes_max);
        self.in_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// Counts them as used no more.
    pub(super) fn give_back(&self, size_bytes: usize) {
        self.in_use.fetch_sub(size_bytes, Ordering::Relaxed);
    }
}
