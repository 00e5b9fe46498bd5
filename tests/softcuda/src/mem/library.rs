//! What a kernel of a library does that is a double, too (`tests/softnvjpeg`): it reads what was uploaded
//! for it, and writes rows. It is no copy, and is not counted as one.

use std::sync::Arc;

use super::copy::is_alive;
use super::space::Span;
use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::race::{Access, Stamp};
use crate::stream::Stream;

/// Rows of one length in a device's memory. As a caller of C lays it out.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Rows {
    address: u64,
    /// From the beginning of a row to that of the next.
    pitch: usize,
    row_bytes: usize,
    count: usize,
}

impl Rows {
    pub(crate) fn size_bytes(&self) -> usize {
        self.row_bytes.saturating_mul(self.count)
    }
}

/// Lets a stream read `size` bytes at `from`, and write `bytes` to `rows`, one row after the other.
///
/// # Errors
/// `INVALID_VALUE` of memory that is not what it is said to be.
pub(crate) fn library_kernel(
    driver: &'static Driver,
    stream: &Arc<Stream>,
    (from, size): (u64, usize),
    rows: Rows,
    bytes: Vec<u8>,
) -> Result<()> {
    const WHAT: &str = "kernel of a library";
    let Rows { address, pitch, row_bytes, count } = rows;
    if row_bytes == 0 || count == 0 || pitch < row_bytes || bytes.len() != rows.size_bytes() {
        return Err(Code::INVALID_VALUE);
    }
    let from = driver.space.span(driver, from, size, WHAT)?;
    let to = driver.space.span(driver, address, pitch * (count - 1) + row_bytes, WHAT)?;
    let stamp = stream.stamp(driver, WHAT);
    stream.push_stamped(driver, stamp, move |stamp| {
        read(driver, &from, stamp)?;
        is_alive(driver, &to, stamp)?;
        for (row, bytes) in bytes.chunks(row_bytes).enumerate() {
            let start = to.bytes.start + row * pitch;
            let place = start..start + row_bytes;
            to.allocation.note(place, Access::Write, stamp, &driver.report);
            to.allocation.write(start, bytes);
        }
        Ok(())
    });
    Ok(())
}

fn read(driver: &Driver, from: &Span, stamp: &Stamp) -> Result<()> {
    is_alive(driver, from, stamp)?;
    from.allocation.note(from.bytes.clone(), Access::Read, stamp, &driver.report);
    if let (_, Some(place)) = from.allocation.read(from.bytes.clone()) {
        let (what, number) = (&stamp.what, from.allocation.number);
        let text = format!("{what}: uninitialised read of byte {place} of allocation #{number}");
        driver.report.violation(text);
    }
    Ok(())
}
