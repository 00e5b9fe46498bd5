//! Unsafe code that no pointer of a caller is the reason for: addresses that nobody may touch, the
//! handler that explains why, pinned
//! memory, and memory that other processes map. Host memory that callers name is `host`.

mod exit;
mod exports;
mod host;
mod locked;
mod reservation;
mod segfault;
mod shared;

pub(crate) use exit::at_exit;
pub(crate) use exports::exported;
pub(crate) use host::HostRange;
pub(crate) use locked::Locked;
pub(crate) use reservation::Reservation;
pub(crate) use shared::{SharedCells, SharedFile};
