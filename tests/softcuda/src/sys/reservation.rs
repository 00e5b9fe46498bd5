//! Addresses of devices. No byte is behind them, so that a host that follows one dies at once; what
//! devices store lies elsewhere (`mem/allocation.rs`).

use std::ffi::c_void;
use std::ptr;

use super::segfault;

/// Enough that no address is ever given out twice in a test.
const SIZE_BYTES: usize = 256 << 30;

/// A range of addresses that is nobody else's.
pub(crate) struct Reservation {
    start: u64,
}

impl Reservation {
    /// Takes the range, for good. Where the system refuses, it is empty, and so is every device's
    /// memory.
    pub(crate) fn take() -> Self {
        let (protection, flags) =
            (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
        // SAFETY: a new anonymous mapping replaces none that is there.
        let start: *mut c_void =
            unsafe { libc::mmap(ptr::null_mut(), SIZE_BYTES, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Self { start: 0 };
        }
        let reservation = Self { start: start as u64 };
        segfault::explain(reservation.start, SIZE_BYTES as u64);
        reservation
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn size(&self) -> u64 {
        if self.start == 0 { 0 } else { SIZE_BYTES as u64 }
    }
}
