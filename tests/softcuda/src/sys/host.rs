//! Host memory that a caller of the driver API named.

/// So many bytes from an address on, which the caller promised to keep until the call, or the work
/// that it started, is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostRange {
    pub(crate) address: u64,
    pub(crate) size: usize,
}

impl HostRange {
    /// # Safety
    /// The bytes stay readable, and writable if they are written, for as long as the driver API
    /// demands it of its callers.
    pub(crate) unsafe fn promised(address: u64, size: usize) -> Self {
        Self { address, size }
    }

    pub(crate) fn end(&self) -> u64 {
        self.address.saturating_add(self.size as u64)
    }

    pub(crate) fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size];
        // SAFETY: the caller promised the range (`promised`); the vector is ours and as long.
        unsafe {
            std::ptr::copy(self.address as *const u8, bytes.as_mut_ptr(), self.size);
        }
        bytes
    }

    /// Writes as many bytes as there are, at most the range.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let size = bytes.len().min(self.size);
        // SAFETY: the caller promised the range (`promised`), and `size` is within both.
        unsafe {
            std::ptr::copy(bytes.as_ptr(), self.address as *mut u8, size);
        }
    }
}
