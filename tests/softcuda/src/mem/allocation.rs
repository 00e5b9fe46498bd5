//! The bytes of one allocation, and which of them were ever written.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::ipc::{Exported, Import};
use super::pool::Pool;
use super::storage::Storage;
use crate::race::{Access, Shadow, Stamp};
use crate::report::Report;
use crate::sync::lock;

/// Set in a cell whose byte was written.
const WRITTEN: u16 = 0x100;
/// Set in a cell that nobody may touch. Its byte is not written.
const POISONED: u16 = 0x200;

/// Device memory of one call.
pub(crate) struct Allocation {
    pub(crate) base: u64,
    pub(crate) size: usize,
    /// For people: the first allocation is #1.
    pub(crate) number: u64,
    pub(crate) device: usize,
    /// Where it comes from, if not from the device itself.
    pub(crate) pool: Option<Arc<Pool>>,
    /// What it is in another process, if it is that one's.
    pub(crate) import: Option<Import>,
    /// A byte and whether it was written. Atomic, because a program that races is to be reported,
    /// and not to be undefined.
    cells: Storage,
    is_freed: AtomicBool,
    shadow: Mutex<Shadow>,
    /// Held by an atomic operation of a kernel.
    atomic: Mutex<()>,
}

/// Whose memory it is.
#[derive(Clone)]
pub(crate) enum Owner {
    Device(usize),
    Pool(Arc<Pool>),
    /// Another process, which exported it.
    Process(Exported),
}

impl Owner {
    pub(super) fn device(&self) -> usize {
        match self {
            Self::Device(device) => *device,
            Self::Pool(pool) => pool.device,
            Self::Process(exported) => usize::try_from(exported.device).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn pool(&self) -> Option<&Arc<Pool>> {
        match self {
            Self::Pool(pool) => Some(pool),
            _ => None,
        }
    }

    fn import(&self) -> Option<Import> {
        match self {
            Self::Process(exported) => Some(Import::new(*exported)),
            _ => None,
        }
    }
}

/// What it is, for people who look for a leak.
impl fmt::Display for Allocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, size) = (self.number, self.size);
        match &self.import {
            None => write!(formatter, "allocation #{number} of {size} bytes"),
            Some(import) => {
                let Exported { process, number, .. } = import.exported;
                write!(
                    formatter,
                    "allocation #{number} of process {process}, opened and not closed"
                )
            }
        }
    }
}

impl Allocation {
    pub(super) fn new(base: u64, size: usize, number: u64, owner: &Owner, cells: Storage) -> Self {
        Self {
            base,
            size,
            number,
            device: owner.device(),
            pool: owner.pool().cloned(),
            import: owner.import(),
            cells,
            is_freed: AtomicBool::new(false),
            shadow: Mutex::default(),
            atomic: Mutex::default(),
        }
    }

    /// Here, or by the process that it is of.
    pub(crate) fn is_freed(&self) -> bool {
        self.is_freed.load(Ordering::Relaxed)
            || self.import.is_some() && self.cells.is_freed_by_owner()
    }

    /// Memory of pools is not for other processes, and theirs is not ours to pass on.
    pub(crate) fn can_be_exported(&self) -> bool {
        self.pool.is_none() && self.import.is_none()
    }

    /// Lets other processes open it; whether they can.
    pub(super) fn export(&self) -> bool {
        self.cells.export()
    }

    /// This process opens it no more.
    pub(super) fn leave(&self) {
        self.cells.leave();
    }

    /// How many other processes had it open when it was freed. `first` is its first cell's place.
    pub(super) fn free_cells(&self, first: u64) -> u16 {
        self.cells.free(first)
    }

    /// Whether it was freed before.
    pub(super) fn mark_freed(&self) -> bool {
        self.is_freed.swap(true, Ordering::Relaxed)
    }

    /// Notes an access, and reports what it meets.
    pub(crate) fn note(&self, bytes: Range<usize>, access: Access, stamp: &Stamp, report: &Report) {
        for conflict in lock(&self.shadow).access(bytes, access, stamp) {
            report.violation(format!("{conflict} (allocation #{})", self.number));
        }
    }

    /// The bytes, and the first place in them that was never written.
    pub(crate) fn read(&self, bytes: Range<usize>) -> (Vec<u8>, Option<usize>) {
        let cells = &self.cells[bytes];
        let first = cells.iter().position(|cell| cell.load(Ordering::Relaxed) & WRITTEN == 0);
        let read = cells.iter().map(|cell| cell.load(Ordering::Relaxed).to_le_bytes()[0]);
        (read.collect(), first)
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        for (cell, byte) in self.cells[offset..].iter().zip(bytes) {
            cell.store(u16::from(*byte) | WRITTEN, Ordering::Relaxed);
        }
    }

    pub(crate) fn fill(&self, bytes: Range<usize>, byte: u8) {
        for cell in &self.cells[bytes] {
            cell.store(u16::from(byte) | WRITTEN, Ordering::Relaxed);
        }
    }

    /// Lets nobody touch them.
    pub(super) fn poison(&self, bytes: Range<usize>) {
        self.cells[bytes].iter().for_each(|cell| cell.store(POISONED, Ordering::Relaxed));
    }

    /// Lets them be as new.
    pub(super) fn forget(&self, bytes: Range<usize>) {
        self.cells[bytes].iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
    }

    /// The first byte of these that nobody may touch.
    pub(crate) fn poisoned(&self, bytes: Range<usize>) -> Option<usize> {
        let start = bytes.start;
        let mut cells = self.cells[bytes].iter();
        let place = cells.position(|cell| cell.load(Ordering::Relaxed) & POISONED != 0);
        place.map(|place| start + place)
    }

    /// Takes over bytes of another, with what of them was never written.
    pub(crate) fn copy_from(&self, offset: usize, from: &Self, bytes: Range<usize>) {
        let cells: Vec<u16> =
            from.cells[bytes].iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        for (cell, value) in self.cells[offset..].iter().zip(cells) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// A value of 1 to 8 bytes, low byte first; the error is the byte that was never written.
    pub(crate) fn load(&self, offset: usize, size: usize) -> Result<u64, usize> {
        let mut value = 0;
        for (place, cell) in self.cells[offset..offset + size].iter().enumerate() {
            let cell = cell.load(Ordering::Relaxed);
            if cell & WRITTEN == 0 {
                return Err(offset + place);
            }
            value |= u64::from(cell & 0xff) << (8 * place);
        }
        Ok(value)
    }

    pub(crate) fn store(&self, offset: usize, size: usize, value: u64) {
        self.write(offset, &value.to_le_bytes()[..size]);
    }

    /// Does what no other atomic operation may come between.
    pub(crate) fn atomically<T>(&self, work: impl FnOnce() -> T) -> T {
        let _held = lock(&self.atomic);
        work()
    }
}
