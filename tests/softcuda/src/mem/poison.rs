//! Memory that a pool of the program has taken back and not given out again. It stays the program's
//! one allocation, so the pool has to say what in it nobody may touch. Both are as good as a write to
//! all of it: work that is not known to be done by then races with it.

use std::sync::Arc;

use crate::code::Result;
use crate::driver::Driver;
use crate::race::{Access, Stamp};
use crate::stream::Stream;
use crate::sync::lock;

/// What becomes of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Poison {
    /// Nobody may touch them.
    Put,
    /// They are as new: nobody has written them.
    Lift,
}

/// At the place where the host is.
///
/// # Errors
/// `INVALID_VALUE`, and a violation, if the bytes are not all in one allocation.
pub(crate) fn poison(driver: &Driver, address: u64, size: usize, poison: Poison) -> Result<()> {
    let span = driver.space.span(driver, address, size, poison.text())?;
    let stamp = lock(&driver.host).tick(0, poison.text());
    span.allocation.change_poison(span.bytes, poison, &stamp, &driver.report);
    Ok(())
}

/// When the stream comes to it.
///
/// # Errors
/// As of `poison`.
pub(crate) fn poison_in_order(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    address: u64,
    size: usize,
    poison: Poison,
) -> Result<()> {
    let span = driver.space.span(driver, address, size, poison.text())?;
    let stamp: Stamp = stream.stamp(driver, poison.text());
    stream.push(move || {
        span.allocation.change_poison(span.bytes, poison, &stamp, &driver.report);
        Ok(())
    });
    Ok(())
}

impl Poison {
    fn text(self) -> &'static str {
        match self {
            Self::Put => "giving back to a pool",
            Self::Lift => "taking from a pool",
        }
    }
}

impl super::Allocation {
    fn change_poison(
        &self,
        bytes: std::ops::Range<usize>,
        poison: Poison,
        stamp: &Stamp,
        report: &crate::report::Report,
    ) {
        self.note(bytes.clone(), Access::Write, stamp, report);
        match poison {
            Poison::Put => self.poison(bytes),
            Poison::Lift => self.forget(bytes),
        }
    }
}
