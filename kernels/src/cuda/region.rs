//! Memory of a device as launchers are given it.

use crate::cpu::ViewError;

/// Bytes of a device's memory that a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    address: u64,
    size_bytes: usize,
}

/// Why a kernel is not launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// A picture is not what it is said to be.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Memory has another size than what is said to lie in it.
    #[error("{what}: {expected} bytes are needed, got {actual}")]
    Size {
        /// What lies in it.
        what: &'static str,
        /// Bytes that it needs.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// Elements that do not lie at multiples of their size.
    #[error("{what}: address {address:#x} is no multiple of {multiple}")]
    Misaligned {
        /// What lies there.
        what: &'static str,
        /// Where.
        address: u64,
        /// The size of an element.
        multiple: usize,
    },
    /// More than a launch can have.
    #[error("{what}: {count} are more than {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were asked for.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// Pictures of one tensor that are to be drawn on canvases of different sizes.
    #[error("pictures of one tensor have canvases of {one:?} and {two:?} pixels")]
    Canvases {
        /// The first picture's.
        one: (usize, usize),
        /// Another one's.
        two: (usize, usize),
    },
}

impl Region {
    /// `size_bytes` from `address` on.
    pub fn new(address: u64, size_bytes: usize) -> Self {
        Self { address, size_bytes }
    }

    /// Where it begins on its device.
    pub fn address(self) -> u64 {
        self.address
    }

    /// Its size.
    pub fn size_bytes(self) -> usize {
        self.size_bytes
    }

    /// Whether `address` is within it.
    pub fn contains(self, address: u64) -> bool {
        (self.address..self.address + self.size_bytes as u64).contains(&address)
    }

    /// Where `numbers` elements of `element_bytes` begin that fill it.
    pub(super) fn elements(
        self,
        what: &'static str,
        numbers: usize,
        element_bytes: usize,
    ) -> Result<u64, LaunchError> {
        let expected = numbers.checked_mul(element_bytes);
        if expected != Some(self.size_bytes) {
            let expected = expected.unwrap_or(usize::MAX);
            return Err(LaunchError::Size { what, expected, actual: self.size_bytes });
        }
        self.aligned(what, element_bytes)
    }

    /// Where it begins, which is a multiple of `multiple`.
    pub(super) fn aligned(self, what: &'static str, multiple: usize) -> Result<u64, LaunchError> {
        let address = self.address;
        if address.is_multiple_of(multiple as u64) {
            return Ok(address);
        }
        Err(LaunchError::Misaligned { what, address, multiple })
    }
}

/// A number that kernels have 32 bits for.
pub(super) fn count(what: &'static str, count: usize) -> Result<u32, LaunchError> {
    u32::try_from(count).map_err(|_| LaunchError::TooMany {
        what,
        count: count as u64,
        max: u32::MAX.into(),
    })
}
