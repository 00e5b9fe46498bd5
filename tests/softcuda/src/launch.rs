//! Kernels in a stream's order, and the device's memory as they see it.

use std::sync::Arc;

use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::driver::Driver;
use crate::exec::{self, Fault, Kind, Launch, Ledger, Memory, Touch, Trouble, Who};
use crate::mem::{Allocation, Found};
use crate::module::Function;
use crate::options::Setting;
use crate::race::{Access, Stamp};
use crate::stream::Stream;

/// Limits of compute capability 7.5.
const THREADS_MAX: u64 = 1024;
const BLOCK_MAX: [u32; 3] = [1024, 1024, 64];
const GRID_MAX: [u32; 3] = [i32::MAX as u32, 65_535, 65_535];
pub(crate) const SHARED_BYTES_MAX: usize = 48 << 10;

/// A kernel and its arguments, taken at the call.
pub(crate) struct Work {
    pub(crate) function: Arc<Function>,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_bytes: usize,
    pub(crate) parameters: Vec<u8>,
}

/// # Errors
/// As of `check`; `LAUNCH_OUT_OF_RESOURCES` if the test asked for it.
pub(crate) fn enqueue(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    work: Arc<Work>,
) -> Result<()> {
    check(stream, &work)?;
    if driver.options.fails(Setting::FailLaunch) {
        return Err(Code::LAUNCH_OUT_OF_RESOURCES);
    }
    let is_to_fail = driver.options.fails(Setting::FailKernel);
    driver.counters.add(Counter::Launches, 1);
    let stamp = stream.stamp(driver, &work.function.kernel.name);
    stream.push_stamped(driver, stamp, move |stamp| {
        if is_to_fail {
            return Err(Code::LAUNCH_FAILED);
        }
        run(driver, &work, stamp)
    });
    Ok(())
}

/// # Errors
/// `INVALID_VALUE` of sizes that a device has not; `INVALID_HANDLE` of a stream of another device.
pub(crate) fn check(stream: &Stream, work: &Work) -> Result<()> {
    let kernel = &work.function.kernel;
    let is_within = |sizes: [u32; 3], limits: [u32; 3]| {
        sizes.iter().zip(limits).all(|(size, limit)| (1..=limit).contains(size))
    };
    let threads: u64 = work.block.iter().map(|size| u64::from(*size)).product();
    let threads_max = kernel.threads_max.map_or(THREADS_MAX, u64::from).min(THREADS_MAX);
    let fits = is_within(work.block, BLOCK_MAX)
        && is_within(work.grid, GRID_MAX)
        && threads <= threads_max
        && kernel.shared_bytes + work.dynamic_bytes <= SHARED_BYTES_MAX;
    match work.function.device == stream.device {
        _ if !fits => Err(Code::INVALID_VALUE),
        false => Err(Code::INVALID_HANDLE),
        true => Ok(()),
    }
}

fn run(driver: &Driver, work: &Work, stamp: &Stamp) -> Result<()> {
    let launch = Launch {
        function: &work.function.kernel,
        grid: work.grid,
        block: work.block,
        dynamic_bytes: work.dynamic_bytes,
        parameters: &work.parameters,
        are_races_checked: driver.options.get(Setting::CheckRaces) != 0,
    };
    let mut seen = Seen { driver, device: work.function.device, allocations: Vec::new(), last: 0 };
    let result = exec::launch(&launch, &mut seen);
    seen.note(stamp);
    match result {
        Ok(instructions) => {
            driver.counters.add(Counter::Instructions, instructions);
            Ok(())
        }
        Err(Fault { trouble, line, block, thread }) => {
            let (kind, name) = (trouble.kind.text(), &launch.function.name);
            driver.report.violation(format!(
                "kernel {name}: {kind}: {} (PTX line {line}, block {block:?}, thread {thread:?})",
                trouble.detail
            ));
            Err(trouble.kind.code())
        }
    }
}

/// What a kernel touched of the device's memory.
struct Seen<'a> {
    driver: &'a Driver,
    device: usize,
    allocations: Vec<Touched>,
    /// The one that was touched last is likely the next, too.
    last: usize,
}

struct Touched {
    allocation: Arc<Allocation>,
    /// For each byte, whether it was read and written.
    how: Vec<u8>,
    /// Which threads did.
    ledger: Ledger,
}

const READ: u8 = 1;
const WRITTEN: u8 = 2;

impl Seen<'_> {
    /// The allocation that holds all the bytes, and the first one's place in it.
    fn find(&mut self, address: u64, size: usize) -> Result<(&mut Touched, usize), Trouble> {
        let holds = |touched: &Touched| touched.offset(address, size).is_some();
        if !self.allocations.get(self.last).is_some_and(holds) {
            let known = self.allocations.iter().position(holds);
            self.last = known.unwrap_or(self.allocations.len());
            if known.is_none() {
                let allocation = self.look_up(address, size)?;
                let how = vec![0; allocation.size];
                let ledger = Ledger::new(allocation.size);
                self.allocations.push(Touched { allocation, how, ledger });
            }
        }
        let touched = &mut self.allocations[self.last];
        let offset = touched.offset(address, size);
        let offset = offset.ok_or_else(|| Kind::OutOfBounds.with(format!("{address:#x}")))?;
        Ok((touched, offset))
    }

    fn look_up(&self, address: u64, size: usize) -> Result<Arc<Allocation>, Trouble> {
        match self.driver.space.find(address) {
            Found::Live(allocation) if !self.driver.peers.reaches(self.device, &allocation) => {
                let (number, device) = (allocation.number, allocation.device);
                Err(Kind::OtherDevice.with(format!("allocation #{number} of device {device}")))
            }
            Found::Live(allocation) => {
                let (offset, total) = (address - allocation.base, allocation.size);
                if offset + size as u64 <= total as u64 {
                    return Ok(allocation);
                }
                let number = allocation.number;
                Err(Kind::OutOfBounds.with(format!(
                    "{size} bytes at offset {offset} of allocation #{number} of {total} bytes"
                )))
            }
            Found::Freed(number) => Err(Kind::UseAfterFree.with(format!("allocation #{number}"))),
            Found::Nothing => {
                Err(Kind::OutOfBounds.with(format!("{address:#x} is in no allocation")))
            }
        }
    }

    /// Tells the clocks what was touched, in as few ranges as there are.
    fn note(&self, stamp: &Stamp) {
        for Touched { allocation, how, .. } in &self.allocations {
            if allocation.device != self.device {
                let touched = how.iter().filter(|how| **how != 0).count();
                self.driver.counters.add(Counter::PeerTouchedBytes, touched as u64);
            }
            let mut start = 0;
            for run in how.chunk_by(|one, next| one == next) {
                let bytes = start..start + run.len();
                start = bytes.end;
                for (flag, access) in [(READ, Access::Read), (WRITTEN, Access::Write)] {
                    if run[0] & flag != 0 {
                        allocation.note(bytes.clone(), access, stamp, &self.driver.report);
                    }
                }
            }
        }
    }
}

impl Touched {
    fn offset(&self, address: u64, size: usize) -> Option<usize> {
        let offset = usize::try_from(address.checked_sub(self.allocation.base)?).ok()?;
        (offset.checked_add(size)? <= self.allocation.size).then_some(offset)
    }

    /// Notes who touches the bytes, for the streams' sake and for the kernel's own.
    fn note(
        &mut self,
        (offset, size): (usize, usize),
        touch: Touch,
        who: Who,
    ) -> Result<(), Trouble> {
        let flag = if touch == Touch::Read { READ } else { WRITTEN };
        self.how[offset..offset + size].iter_mut().for_each(|how| *how |= flag);
        let number = self.allocation.number;
        self.ledger.note((offset, size), touch, who, || format!("allocation #{number}"))
    }

    fn load(&self, offset: usize, size: usize) -> Result<u64, Trouble> {
        self.allocation.load(offset, size).map_err(|byte| {
            let detail = format!("byte {byte} of allocation #{}", self.allocation.number);
            let is_poisoned = self.allocation.poisoned(byte..byte + 1).is_some();
            if is_poisoned { Kind::Poisoned } else { Kind::UninitialisedRead }.with(detail)
        })
    }

    fn store(&self, offset: usize, size: usize, value: u64) -> Result<(), Trouble> {
        if let Some(byte) = self.allocation.poisoned(offset..offset + size) {
            let number = self.allocation.number;
            return Err(Kind::Poisoned.with(format!("byte {byte} of allocation #{number}")));
        }
        self.allocation.store(offset, size, value);
        Ok(())
    }
}

impl Memory for Seen<'_> {
    fn load(&mut self, who: Who, address: u64, size: usize) -> Result<u64, Trouble> {
        let (touched, offset) = self.find(address, size)?;
        touched.note((offset, size), Touch::Read, who)?;
        touched.load(offset, size)
    }

    fn store(&mut self, who: Who, address: u64, size: usize, value: u64) -> Result<(), Trouble> {
        let (touched, offset) = self.find(address, size)?;
        touched.note((offset, size), Touch::Write, who)?;
        touched.store(offset, size, value)
    }

    fn atomic(
        &mut self,
        who: Who,
        address: u64,
        size: usize,
        change: &dyn Fn(u64) -> u64,
    ) -> Result<u64, Trouble> {
        let (touched, offset) = self.find(address, size)?;
        touched.note((offset, size), Touch::Atomic, who)?;
        let allocation = touched.allocation.clone();
        allocation.atomically(|| {
            let old = touched.load(offset, size)?;
            allocation.store(offset, size, change(old));
            Ok(old)
        })
    }
}
