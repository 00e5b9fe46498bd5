//! Memory of one process in another. A handle names the process, its file of cells, and the place in
//! it; who has the handle maps the same cells, so both see which bytes were written, and whether the
//! owner freed them. What happens before what is not known between processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::allocation::{Allocation, Owner};
use super::space::Found;
use crate::code::{Code, Result};
use crate::driver::Driver;

/// The size is that of `CUipcMemHandle`.
pub(crate) const HANDLE_BYTES: usize = 64;
/// So that other bytes are no handle.
const MAGIC: u64 = u64::from_le_bytes(*b"softcuda");

/// What a handle says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exported {
    pub(crate) process: u32,
    /// Of the file, in that process.
    pub(crate) descriptor: u32,
    /// Of the first cell in the file.
    pub(crate) first: u64,
    pub(crate) size: u64,
    pub(crate) number: u64,
    pub(crate) device: u64,
}

/// Another process's memory, as this one has it.
pub(crate) struct Import {
    pub(crate) exported: Exported,
    /// How many times it was opened and not closed.
    opens: AtomicUsize,
}

impl Import {
    pub(super) fn new(exported: Exported) -> Self {
        Self { exported, opens: AtomicUsize::new(1) }
    }
}

impl Exported {
    fn fields(self) -> [u64; 6] {
        let file = u64::from(self.process) << 32 | u64::from(self.descriptor);
        [MAGIC, file, self.first, self.size, self.number, self.device]
    }

    pub(crate) fn to_bytes(self) -> [u8; HANDLE_BYTES] {
        let mut bytes = [0; HANDLE_BYTES];
        for (place, field) in bytes.chunks_exact_mut(8).zip(self.fields()) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// `None` of what is no handle.
    pub(crate) fn parse(bytes: &[u8; HANDLE_BYTES]) -> Option<Self> {
        let mut fields = bytes.chunks_exact(8).filter_map(|field| field.try_into().ok());
        let mut next = || fields.next().map(u64::from_le_bytes);
        if next()? != MAGIC {
            return None;
        }
        let file = next()?;
        Some(Self {
            process: u32::try_from(file >> 32).ok()?,
            descriptor: u32::try_from(file & u64::from(u32::MAX)).ok()?,
            first: next()?,
            size: next()?,
            number: next()?,
            device: next()?,
        })
    }
}

/// A handle for the allocation that begins at `base`.
///
/// # Errors
/// `INVALID_VALUE` if none does, or it is a pool's or another process's.
pub(crate) fn export(driver: &Driver, base: u64) -> Result<Exported> {
    match driver.space.find(base) {
        Found::Live(allocation) if allocation.base == base && allocation.can_be_exported() => {
            driver.space.exported(&allocation).ok_or(Code::NOT_SUPPORTED)
        }
        _ => Err(Code::INVALID_VALUE),
    }
}

/// The address of it here; that of before, if it is open already.
///
/// # Errors
/// `INVALID_CONTEXT` of the process's own memory, `INVALID_VALUE` of what is gone.
pub(crate) fn open(driver: &Driver, exported: Exported) -> Result<u64> {
    if exported.process == std::process::id() {
        return Err(Code::INVALID_CONTEXT);
    }
    if let Some(open) = driver.space.imported(exported)
        && let Some(import) = &open.import
    {
        import.opens.fetch_add(1, Ordering::Relaxed);
        return Ok(open.base);
    }
    let device = usize::try_from(exported.device).map_err(|_| Code::INVALID_VALUE)?;
    driver.device(device)?;
    let size = usize::try_from(exported.size).map_err(|_| Code::INVALID_VALUE)?;
    let allocation = driver.space.allocate(driver, &Owner::Process(exported), size)?;
    Ok(allocation.base)
}

/// # Errors
/// `INVALID_VALUE`, and a violation, if nothing of another process begins at `base`.
pub(crate) fn close(driver: &Driver, base: u64) -> Result<()> {
    let found = driver.space.at(base).filter(|allocation| allocation.import.is_some());
    let Some(allocation) = found else {
        let text = "no memory of another process begins at";
        driver.report.violation(format!("cuIpcCloseMemHandle: {text} {base:#x}"));
        return Err(Code::INVALID_VALUE);
    };
    let opens = allocation.import.as_ref().map(|import| &import.opens);
    if opens.is_none_or(|opens| opens.fetch_sub(1, Ordering::Relaxed) == 1) {
        close_last(driver, &allocation);
    }
    Ok(())
}

fn close_last(driver: &Driver, allocation: &Arc<Allocation>) {
    driver.space.take(allocation.base);
    allocation.mark_freed();
    allocation.leave();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_as_written() {
        let exported =
            Exported { process: 7, descriptor: 8, first: 9, size: 10, number: 11, device: 1 };
        let mut bytes = exported.to_bytes();
        assert_eq!(Exported::parse(&bytes), Some(exported));
        bytes[0] ^= 1;
        assert_eq!(Exported::parse(&bytes), None);
    }
}
