//! Bounds the bytes of all requests and responses in flight, so that many clients together cannot
//! exhaust the host's memory.
//!
//! Nobody waits for it: two requests that each hold half of what they need would wait for ever.
//! A request that does not fit is refused, and a response is counted though it may exceed the
//! limit, since its work is done; requests are then refused until it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_backend::error::InferError;

/// A number of bytes that leases are taken from.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
}

/// Bytes in use; dropping it gives them back.
#[derive(Debug)]
pub struct Lease {
    shared: Arc<Shared>,
    size_bytes: AtomicUsize,
}

impl Budget {
    /// A budget of that many bytes.
    pub fn new(limit_bytes: usize) -> Self {
        Self(Arc::new(Shared { limit_bytes, used_bytes: AtomicUsize::new(0) }))
    }

    /// What is in use.
    pub fn used_bytes(&self) -> usize {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// A lease of nothing yet.
    pub fn lease(&self) -> Lease {
        Lease { shared: self.0.clone(), size_bytes: AtomicUsize::new(0) }
    }
}

impl Lease {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`InferError::Overloaded`] when they do not fit.
    pub fn try_grow(&self, size_bytes: usize) -> Result<(), InferError> {
        let limit = self.shared.limit_bytes;
        let fits = |used: usize| used.checked_add(size_bytes).filter(|&sum| sum <= limit);
        let used_bytes = &self.shared.used_bytes;
        used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|used| self.overloaded(used, size_bytes))?;
        self.size_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Whether so many bytes more would fit now; takes none.
    ///
    /// # Errors
    /// As [`Lease::try_grow`].
    pub fn check(&self, size_bytes: usize) -> Result<(), InferError> {
        let used = self.shared.used_bytes.load(Ordering::Relaxed);
        if used.saturating_add(size_bytes) <= self.shared.limit_bytes {
            return Ok(());
        }
        Err(self.overloaded(used, size_bytes))
    }

    fn overloaded(&self, used: usize, size_bytes: usize) -> InferError {
        let limit = self.shared.limit_bytes;
        InferError::Overloaded(format!(
            "the server has {used} bytes in flight and admits {limit} (--inflight-byte-size); \
             {size_bytes} more do not fit, try again later"
        ))
    }

    /// A lease of all that this one has; it has nothing then.
    pub fn split(&self) -> Self {
        let size_bytes = self.size_bytes.swap(0, Ordering::Relaxed);
        Self { shared: self.shared.clone(), size_bytes: AtomicUsize::new(size_bytes) }
    }

    /// Takes bytes for what exists already, whether they fit or not.
    pub fn grow(&self, size_bytes: usize) {
        self.shared.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        self.size_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.used_bytes.fetch_sub(*self.size_bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
