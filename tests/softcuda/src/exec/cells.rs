//! Shared and local memory: bytes that know whether they were written.

use super::fault::{Kind, Trouble};

/// Set in a cell whose byte was written.
const WRITTEN: u16 = 0x100;

/// The bytes of one block or thread.
pub(super) struct Cells {
    cells: Vec<u16>,
    /// For people: "shared" or "local".
    space: &'static str,
}

impl Cells {
    pub(super) fn new(size: usize, space: &'static str) -> Self {
        Self { cells: vec![0; size], space }
    }

    pub(super) fn clear(&mut self) {
        self.cells.fill(0);
    }

    pub(super) fn load(&self, address: u64, size: usize) -> Result<u64, Trouble> {
        let start = self.check(address, size)?;
        let mut value = 0;
        for (place, cell) in self.cells[start..start + size].iter().enumerate() {
            if cell & WRITTEN == 0 {
                let detail = format!("byte {} of {} memory", start + place, self.space);
                return Err(Kind::UninitialisedRead.with(detail));
            }
            value |= u64::from(cell & 0xff) << (8 * place);
        }
        Ok(value)
    }

    pub(super) fn store(&mut self, address: u64, size: usize, value: u64) -> Result<(), Trouble> {
        let start = self.check(address, size)?;
        for (cell, byte) in self.cells[start..start + size].iter_mut().zip(value.to_le_bytes()) {
            *cell = u16::from(byte) | WRITTEN;
        }
        Ok(())
    }

    fn check(&self, address: u64, size: usize) -> Result<usize, Trouble> {
        let total = self.cells.len();
        let start = usize::try_from(address).ok().filter(|start| *start <= total);
        start.filter(|start| total - start >= size).ok_or_else(|| {
            let space = self.space;
            let detail = format!("{size} bytes at {address:#x} of {total} bytes of {space} memory");
            Kind::OutOfBounds.with(detail)
        })
    }
}
