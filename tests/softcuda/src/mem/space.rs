//! The addresses of all devices' memory. None is given out twice, so that a use after free is always
//! seen, and between two allocations is a gap that belongs to the first.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::allocation::{Allocation, Owner};
use super::ipc::Exported;
use super::pool::{Maker, Pool};
use super::storage::Storage;
use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::driver::Driver;
use crate::options::Setting;
use crate::sync::lock;
use crate::sys::{Reservation, SharedFile};

/// As the driver aligns.
const ALIGNMENT: u64 = 512;
/// An access that runs over the end of an allocation meets no other one so soon.
const GAP: u64 = 4096;

/// All allocations there ever were.
pub(crate) struct AddressSpace {
    reservation: Reservation,
    /// A cell for each address, but for what pools give out; `None` if the system gives no file.
    file: Option<SharedFile>,
    taken: Mutex<Taken>,
}

/// What an address lies in, or shortly behind.
pub(crate) enum Found {
    Live(Arc<Allocation>),
    /// The number of what was freed.
    Freed(u64),
    Nothing,
}

/// Bytes of one allocation, in bounds.
#[derive(Clone)]
pub(crate) struct Span {
    pub(crate) allocation: Arc<Allocation>,
    pub(crate) bytes: Range<usize>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    last_number: u64,
    live: BTreeMap<u64, Arc<Allocation>>,
    /// Number and size by address.
    freed: BTreeMap<u64, (u64, usize)>,
    last_pool: u64,
    /// All that exist, or have memory out that was not freed.
    pools: Vec<Arc<Pool>>,
}

impl AddressSpace {
    pub(crate) fn reserve() -> Self {
        let reservation = Reservation::take();
        let file = SharedFile::create(reservation.size());
        Self { reservation, file, taken: Mutex::default() }
    }

    /// Whether the address is a device's, of whatever allocation.
    pub(crate) fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.reservation.start()) < self.reservation.size()
    }

    /// # Errors
    /// `INVALID_VALUE` of no bytes, `OUT_OF_MEMORY`.
    pub(crate) fn allocate(
        &self,
        driver: &Driver,
        owner: &Owner,
        size: usize,
    ) -> Result<Arc<Allocation>> {
        if size == 0 {
            return Err(Code::INVALID_VALUE);
        }
        if driver.options.fails(Setting::FailAllocation) {
            return Err(Code::OUT_OF_MEMORY);
        }
        let total = driver.options.get(Setting::MemoryBytes);
        let mut taken = lock(&self.taken);
        taken.reserve(owner, size as u64, total)?;
        let end = (taken.next + size as u64).next_multiple_of(ALIGNMENT) + GAP;
        if end > self.reservation.size() {
            return Err(Code::OUT_OF_MEMORY);
        }
        let cells = self.cells(owner, taken.next, size)?;
        let base = self.reservation.start() + taken.next;
        taken.next = end;
        taken.last_number += 1;
        let allocation = Arc::new(Allocation::new(base, size, taken.last_number, owner, cells));
        if let Some(pool) = &allocation.pool {
            pool.take(size as u64);
        }
        taken.live.insert(base, allocation.clone());
        if allocation.import.is_none() {
            driver.counters.add(Counter::Allocations, 1);
        }
        Ok(allocation)
    }

    /// Where the bytes lie: other processes may open what is no pool's.
    fn cells(&self, owner: &Owner, first: u64, size: usize) -> Result<Storage> {
        match (owner, &self.file) {
            (Owner::Pool(_), _) | (Owner::Device(_), None) => Ok(Storage::own(size)),
            (Owner::Device(_), Some(file)) => {
                Storage::shared(file, first, size).ok_or(Code::OUT_OF_MEMORY)
            }
            (Owner::Process(of), _) => {
                let file = SharedFile::of_process(of.process, of.descriptor);
                let cells = file.and_then(|file| Storage::shared(&file, of.first, size));
                let cells = cells.filter(Storage::is_exported).ok_or(Code::INVALID_VALUE)?;
                cells.enter();
                Ok(cells)
            }
        }
    }

    /// What another process opens it by; `None` if none can.
    pub(super) fn exported(&self, allocation: &Allocation) -> Option<Exported> {
        allocation.export().then_some(Exported {
            process: std::process::id(),
            descriptor: self.file.as_ref()?.descriptor(),
            first: allocation.base - self.reservation.start(),
            size: allocation.size as u64,
            number: allocation.number,
            device: allocation.device as u64,
        })
    }

    /// Another process's memory, if it is open here.
    pub(super) fn imported(&self, exported: Exported) -> Option<Arc<Allocation>> {
        let is_it = |it: &&Arc<Allocation>| {
            it.import.as_ref().is_some_and(|import| import.exported == exported)
        };
        lock(&self.taken).live.values().find(is_it).cloned()
    }

    /// What begins at `base` and is not freed here.
    pub(super) fn at(&self, base: u64) -> Option<Arc<Allocation>> {
        lock(&self.taken).live.get(&base).cloned()
    }

    /// Lets go the cells of what was freed: how many other processes had it open.
    pub(super) fn free_cells(&self, allocation: &Allocation) -> u16 {
        allocation.free_cells(allocation.base - self.reservation.start())
    }

    /// Bytes of a device that are allocated, or reserved by pools.
    pub(crate) fn used(&self, device: usize) -> u64 {
        lock(&self.taken).used(device)
    }

    /// `bytes_max` is 0 for a pool that only the device bounds.
    pub(crate) fn create_pool(&self, device: usize, maker: Maker, bytes_max: u64) -> Arc<Pool> {
        let mut taken = lock(&self.taken);
        taken.last_pool += 1;
        let pool = Arc::new(Pool::new(device, taken.last_pool, maker, bytes_max));
        taken.pools.push(pool.clone());
        pool
    }

    pub(crate) fn destroy_pool(&self, pool: &Pool) {
        pool.destroy();
        lock(&self.taken).forget_pools();
    }

    /// Somebody waited for work of the device: its pools give up what they need not keep.
    pub(crate) fn release_pools(&self, device: usize) {
        lock(&self.taken).of_device(device).for_each(|pool| pool.release());
    }

    pub(crate) fn find(&self, address: u64) -> Found {
        let taken = lock(&self.taken);
        let is_near = |base: u64, size: usize| address - base < size as u64 + GAP;
        if let Some((base, allocation)) = taken.live.range(..=address).next_back()
            && is_near(*base, allocation.size)
        {
            return if allocation.is_freed() {
                Found::Freed(allocation.number)
            } else {
                Found::Live(allocation.clone())
            };
        }
        match taken.freed.range(..=address).next_back() {
            Some((base, (number, size))) if is_near(*base, *size) => Found::Freed(*number),
            _ => Found::Nothing,
        }
    }

    /// The bytes of an allocation that a call names.
    ///
    /// # Errors
    /// `INVALID_VALUE`, and a violation, if they are not all in one.
    pub(crate) fn span(
        &self,
        driver: &Driver,
        address: u64,
        size: usize,
        what: &str,
    ) -> Result<Span> {
        let fault = match self.find(address) {
            Found::Live(allocation) => {
                let offset = usize::try_from(address - allocation.base).unwrap_or(usize::MAX);
                if offset.saturating_add(size) <= allocation.size {
                    return Ok(Span { allocation, bytes: offset..offset + size });
                }
                format!(
                    "{size} bytes at offset {offset} run over the end of allocation #{} of {} bytes",
                    allocation.number, allocation.size
                )
            }
            Found::Freed(number) => format!("use of allocation #{number} after it was freed"),
            Found::Nothing => format!("{address:#x} is no address of a device"),
        };
        driver.report.violation(format!("{what}: {fault}"));
        Err(Code::INVALID_VALUE)
    }

    /// Moves what begins at `base` to what was freed.
    pub(super) fn take(&self, base: u64) -> Found {
        let mut taken = lock(&self.taken);
        match taken.live.remove(&base) {
            Some(allocation) => {
                taken.freed.insert(base, (allocation.number, allocation.size));
                if let Some(pool) = &allocation.pool {
                    pool.give_back(allocation.size as u64);
                }
                taken.forget_pools();
                Found::Live(allocation)
            }
            None => match taken.freed.get(&base) {
                Some((number, _)) => Found::Freed(*number),
                None => Found::Nothing,
            },
        }
    }

    /// Number, device and bytes in use of pools that the program made and did not destroy, on devices
    /// that are not lost.
    pub(crate) fn live_pools(&self, driver: &Driver) -> Vec<(u64, usize, u64)> {
        let taken = lock(&self.taken);
        let is_live = |it: &&Arc<Pool>| {
            it.maker == Maker::Program && !it.is_destroyed() && driver.status(it.device).is_ok()
        };
        let live = taken.pools.iter().filter(is_live);
        live.map(|pool| (pool.number, pool.device, pool.usage().used)).collect()
    }

    /// All that is not freed or closed, on devices that are not lost.
    pub(crate) fn live(&self, driver: &Driver) -> Vec<Arc<Allocation>> {
        let taken = lock(&self.taken);
        let live = taken.live.values().filter(|it| driver.status(it.device).is_ok());
        live.cloned().collect()
    }
}

impl Taken {
    fn used(&self, device: usize) -> u64 {
        let own = self.live.values().filter(|it| it.device == device && it.can_be_exported());
        let own: u64 = own.map(|it| it.size as u64).sum();
        own + self.of_device(device).map(|pool| pool.usage().reserved).sum::<u64>()
    }

    fn of_device(&self, device: usize) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.iter().filter(move |pool| pool.device == device)
    }

    /// Sees that there is room. What pools keep and do not use is given up before memory runs out.
    fn reserve(&self, owner: &Owner, size: u64, total: u64) -> Result<()> {
        let needed = || match owner {
            Owner::Device(_) => Ok(size),
            Owner::Process(_) => Ok(0),
            Owner::Pool(pool) => pool.growth(size),
        };
        let fits = |needed| self.used(owner.device()).saturating_add(needed) <= total;
        if !fits(needed()?) {
            self.of_device(owner.device()).for_each(|pool| pool.trim_to(0));
            if !fits(needed()?) {
                return Err(Code::OUT_OF_MEMORY);
            }
        }
        Ok(())
    }

    fn forget_pools(&mut self) {
        self.pools.retain(|pool| !pool.is_destroyed() || pool.usage().used > 0);
    }
}
