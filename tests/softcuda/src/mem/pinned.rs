//! Host memory that devices reach by themselves: allocated by the driver, or registered with it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::sync::lock;
use crate::sys::{HostRange, Locked};

/// All pinned memory of the process.
#[derive(Default)]
pub(crate) struct Pinned {
    /// By address: end, and the memory itself if it is the driver's.
    ranges: Mutex<BTreeMap<u64, (u64, Option<Allocated>)>>,
}

/// Memory of the driver's, and the device whose context was asked for it.
struct Allocated {
    device: usize,
    _memory: Locked,
}

impl Pinned {
    /// The address of new pinned memory.
    ///
    /// # Errors
    /// `INVALID_VALUE` of no bytes, or more than there are.
    pub(crate) fn allocate(&self, device: usize, size: usize) -> Result<usize> {
        let memory = Locked::new(size).ok_or(Code::INVALID_VALUE)?;
        let address = memory.address();
        let start = address as u64;
        let allocated = Allocated { device, _memory: memory };
        lock(&self.ranges).insert(start, (start + size as u64, Some(allocated)));
        Ok(address)
    }

    /// # Errors
    /// `INVALID_VALUE` if it did not come from `allocate`.
    pub(crate) fn free(&self, address: u64) -> Result<()> {
        let mut ranges = lock(&self.ranges);
        match ranges.get(&address) {
            Some((_, Some(_))) => {
                ranges.remove(&address);
                Ok(())
            }
            _ => Err(Code::INVALID_VALUE),
        }
    }

    /// # Errors
    /// `HOST_MEMORY_ALREADY_REGISTERED` if a part of it is pinned.
    pub(crate) fn register(&self, range: HostRange) -> Result<()> {
        if range.size == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let mut ranges = lock(&self.ranges);
        let before = ranges.range(..range.end()).next_back();
        if before.is_some_and(|(_, (end, _))| *end > range.address) {
            return Err(Code::HOST_MEMORY_ALREADY_REGISTERED);
        }
        ranges.insert(range.address, (range.end(), None));
        Ok(())
    }

    /// # Errors
    /// `HOST_MEMORY_NOT_REGISTERED` if it did not come by `register`.
    pub(crate) fn unregister(&self, address: u64) -> Result<()> {
        let mut ranges = lock(&self.ranges);
        match ranges.get(&address) {
            Some((_, None)) => {
                ranges.remove(&address);
                Ok(())
            }
            _ => Err(Code::HOST_MEMORY_NOT_REGISTERED),
        }
    }

    /// Whether all of it is pinned, by one call.
    pub(crate) fn holds(&self, range: HostRange) -> bool {
        let ranges = lock(&self.ranges);
        let before = ranges.range(..=range.address).next_back();
        before.is_some_and(|(_, (end, _))| range.end() <= *end)
    }

    /// Whether the byte at an address is pinned.
    pub(crate) fn has(&self, address: u64) -> bool {
        let ranges = lock(&self.ranges);
        ranges.range(..=address).next_back().is_some_and(|(_, (end, _))| address < *end)
    }

    /// Sizes of what the driver allocated and nobody freed, by devices that are not lost.
    pub(crate) fn live(&self, driver: &Driver) -> Vec<u64> {
        let is_live = |allocated: &Allocated| driver.status(allocated.device).is_ok();
        let ranges = lock(&self.ranges);
        let ours = ranges.iter().filter(|(_, (_, memory))| memory.as_ref().is_some_and(is_live));
        ours.map(|(start, (end, _))| end - start).collect()
    }
}
