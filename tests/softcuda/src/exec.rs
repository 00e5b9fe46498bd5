//! Runs a kernel on the CPU, one thread after another; a thread gives way where it waits for others.
//! It knows no driver: memory of the device is behind `Memory`.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)] // Registers have 64 bits, and instructions take the low ones in the type that they state.

mod arithmetic;
mod bits;
mod block;
mod cells;
mod conversion;
mod fault;
mod float;
mod ledger;
mod thread;
mod warp;

pub(crate) use block::{Launch, launch};
pub(crate) use fault::{Fault, Kind, Trouble};
pub(crate) use ledger::{Ledger, Touch, Who};

/// The device's memory, as a kernel sees it. Sizes are 1 to 8 bytes; addresses are aligned to them.
pub(crate) trait Memory {
    /// # Errors
    /// An address that cannot be read, or a race.
    fn load(&mut self, who: Who, address: u64, size: usize) -> Result<u64, Trouble>;

    /// # Errors
    /// As of `load`.
    fn store(&mut self, who: Who, address: u64, size: usize, value: u64) -> Result<(), Trouble>;

    /// Stores what `change` makes of the value, which is given back; nobody comes between.
    ///
    /// # Errors
    /// As of `load`.
    fn atomic(
        &mut self,
        who: Who,
        address: u64,
        size: usize,
        change: &dyn Fn(u64) -> u64,
    ) -> Result<u64, Trouble>;
}

#[cfg(test)]
mod tests;
