//! A launch: block after block, in each the threads until all have exited.

use super::Memory;
use super::cells::Cells;
use super::fault::{Fault, Kind, Trouble};
use super::ledger::{Ledger, Touch, Who};
use super::thread::{State, Thread};
use super::warp::{LANES, exchange};
use crate::ptx::{Function, LOCAL_WINDOW, SHARED_WINDOW, Space, WINDOW_MASK};

/// A kernel and what it is launched with.
pub(crate) struct Launch<'a> {
    pub(crate) function: &'a Function,
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    /// Of shared memory, beside what the kernel declares.
    pub(crate) dynamic_bytes: usize,
    pub(crate) parameters: &'a [u8],
    /// Whether threads that meet without a barrier are told.
    pub(crate) are_races_checked: bool,
}

/// What threads of a block have in common.
pub(super) struct Block<'a> {
    pub(super) function: &'a Function,
    pub(super) grid: [u32; 3],
    pub(super) size: [u32; 3],
    pub(super) id: [u32; 3],
    /// The thread that runs.
    pub(super) who: Who,
    parameters: &'a [u8],
    shared: Cells,
    touched: Ledger,
    memory: &'a mut dyn Memory,
}

/// Runs all blocks; how many instructions that took.
///
/// # Errors
/// The first thing that a thread did wrong.
pub(crate) fn launch(launch: &Launch<'_>, memory: &mut dyn Memory) -> Result<u64, Fault> {
    let function = launch.function;
    let shared_bytes = function.shared_bytes + launch.dynamic_bytes;
    let mut block = Block {
        function,
        grid: launch.grid,
        size: launch.block,
        id: [0; 3],
        who: Who::first(launch.are_races_checked),
        parameters: launch.parameters,
        shared: Cells::new(shared_bytes, "shared"),
        touched: Ledger::new(shared_bytes),
        memory,
    };
    let count = launch.block.iter().product::<u32>() as usize;
    let mut threads: Vec<_> =
        (0..count).map(|number| Thread::new(function, number, launch.block)).collect();
    let mut steps = 0;
    for z in 0..launch.grid[2] {
        for y in 0..launch.grid[1] {
            for x in 0..launch.grid[0] {
                block.id = [x, y, z];
                block.shared.clear();
                block.who.next_block();
                threads.iter_mut().for_each(Thread::restart);
                block.run(&mut threads)?;
                steps += threads.iter().map(|thread| thread.steps).sum::<u64>();
            }
        }
    }
    Ok(steps)
}

impl Block<'_> {
    fn run(&mut self, threads: &mut [Thread]) -> Result<(), Fault> {
        loop {
            for thread in threads.iter_mut() {
                thread.run(self)?;
            }
            let mut has_moved = false;
            for warp in threads.chunks_mut(LANES) {
                let first = warp[0].id;
                has_moved |= exchange(warp, self.function).map_err(|(at, trouble)| {
                    let line = self.function.code[at].line;
                    Fault { trouble, line, block: self.id, thread: first }
                })?;
            }
            if has_moved {
                continue;
            }
            let Some(waiting) = threads.iter().find(|thread| thread.state != State::Exited) else {
                return Ok(());
            };
            if threads.iter().any(|thread| thread.state == State::AtShuffle) {
                let line = self.function.code[waiting.at].line;
                let trouble = Kind::Deadlock.with("some are at a shfl, others are not");
                return Err(Fault { trouble, line, block: self.id, thread: waiting.id });
            }
            self.who.next_epoch();
            for thread in threads.iter_mut().filter(|thread| thread.state == State::AtBarrier) {
                (thread.at, thread.state) = (thread.at + 1, State::Running);
            }
        }
    }

    pub(super) fn load(
        &mut self,
        local: &Cells,
        space: Space,
        address: u64,
        size: usize,
    ) -> Result<u64, Trouble> {
        match resolve(space, address) {
            (Space::Shared, address) => self.load_shared(address, size, Touch::Read),
            (Space::Local, address) => local.load(address, size),
            (Space::Parameter, address) => self.parameter(address, size),
            (_, address) => self.memory.load(self.who, address, size),
        }
    }

    pub(super) fn store(
        &mut self,
        local: &mut Cells,
        space: Space,
        (address, size): (u64, usize),
        value: u64,
    ) -> Result<(), Trouble> {
        match resolve(space, address) {
            (Space::Shared, address) => {
                self.shared.store(address, size, value)?;
                self.note_shared(address, size, Touch::Write)
            }
            (Space::Local, address) => local.store(address, size, value),
            (_, address) => self.memory.store(self.who, address, size, value),
        }
    }

    pub(super) fn atomic(
        &mut self,
        space: Space,
        address: u64,
        size: usize,
        change: &dyn Fn(u64) -> u64,
    ) -> Result<u64, Trouble> {
        match resolve(space, address) {
            (Space::Shared, address) => {
                let old = self.load_shared(address, size, Touch::Atomic)?;
                self.shared.store(address, size, change(old))?;
                Ok(old)
            }
            (_, address) => self.memory.atomic(self.who, address, size, change),
        }
    }

    fn load_shared(&mut self, address: u64, size: usize, touch: Touch) -> Result<u64, Trouble> {
        let value = self.shared.load(address, size)?;
        self.note_shared(address, size, touch)?;
        Ok(value)
    }

    /// Of bytes that are there.
    fn note_shared(&mut self, address: u64, size: usize, touch: Touch) -> Result<(), Trouble> {
        let bytes = (address as usize, size);
        self.touched.note(bytes, touch, self.who.within_block(), || "shared memory".into())
    }

    fn parameter(&self, address: u64, size: usize) -> Result<u64, Trouble> {
        let bytes = usize::try_from(address).ok().and_then(|at| self.parameters.get(at..at + size));
        let bytes = bytes.ok_or_else(|| Kind::OutOfBounds.with("parameters"))?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}

/// The space of an address that says it by itself.
fn resolve(space: Space, address: u64) -> (Space, u64) {
    match (space, address & !WINDOW_MASK) {
        (Space::Generic, SHARED_WINDOW) => (Space::Shared, address & WINDOW_MASK),
        (Space::Generic, LOCAL_WINDOW) => (Space::Local, address & WINDOW_MASK),
        _ => (space, address),
    }
}
