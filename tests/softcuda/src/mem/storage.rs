//! Where an allocation's cells lie: in this process alone, or where others may map them. Behind the
//! latter are cells that tell the other processes how it stands.

use std::ops::Deref;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::sys::{SharedCells, SharedFile};

/// Cells behind those of the bytes, first of them this: 0, `EXPORTED` or `FREED`.
const STATE: usize = 0;
/// How many other processes have it open.
const OPENERS: usize = 1;
/// How many such cells there are. They lie in the gap behind the allocation.
pub(super) const TRAILER: usize = 2;

const EXPORTED: u16 = 1;
const FREED: u16 = 2;

/// The cells of one allocation: a byte each, and whether it was written.
pub(super) enum Storage {
    Own(Box<[AtomicU16]>),
    Shared { cells: SharedCells, size: usize },
}

impl Storage {
    pub(super) fn own(size: usize) -> Self {
        Self::Own((0..size).map(|_| AtomicU16::new(0)).collect())
    }

    /// `None` if the system has no room.
    pub(super) fn shared(file: &SharedFile, first: u64, size: usize) -> Option<Self> {
        Some(Self::Shared { cells: file.map(first, size + TRAILER)?, size })
    }

    fn trailer(&self) -> &[AtomicU16] {
        match self {
            Self::Own(_) => &[],
            Self::Shared { cells, size } => &cells[*size..],
        }
    }

    /// Lets others open it; whether they can.
    pub(super) fn export(&self) -> bool {
        let state = self.trailer().get(STATE);
        state.inspect(|state| state.store(EXPORTED, Ordering::Relaxed)).is_some()
    }

    /// Whether its owner lets others use it, and has not freed it.
    pub(super) fn is_exported(&self) -> bool {
        self.is_in(EXPORTED)
    }

    pub(super) fn is_freed_by_owner(&self) -> bool {
        self.is_in(FREED)
    }

    fn is_in(&self, expected: u16) -> bool {
        self.trailer().get(STATE).is_some_and(|state| state.load(Ordering::Relaxed) == expected)
    }

    pub(super) fn enter(&self) {
        if let Some(openers) = self.trailer().get(OPENERS) {
            openers.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn leave(&self) {
        if let Some(openers) = self.trailer().get(OPENERS) {
            openers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many others had it open when it was freed.
    pub(super) fn free(&self, first: u64) -> u16 {
        let Self::Shared { cells, size } = self else { return 0 };
        cells[size + STATE].store(FREED, Ordering::Relaxed);
        cells.discard(first, *size);
        cells[size + OPENERS].load(Ordering::Relaxed)
    }
}

impl Deref for Storage {
    type Target = [AtomicU16];

    fn deref(&self) -> &[AtomicU16] {
        match self {
            Self::Own(cells) => cells,
            Self::Shared { cells, size } => &cells[..*size],
        }
    }
}
