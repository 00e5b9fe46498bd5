//! Handles that programs hold, and what they stand for. A handle is never given out twice, so one
//! that was destroyed is found out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::code::{Code, Result};
use crate::sync::lock;

/// Low handles mean something to the driver: 0 to 2 are streams that need not be created.
static NEXT: AtomicUsize = AtomicUsize::new(0x1000);

/// The handles of one kind.
pub(crate) struct Table<T> {
    entries: Mutex<HashMap<usize, Arc<T>>>,
}

impl<T> Table<T> {
    pub(crate) fn insert(&self, value: Arc<T>) -> usize {
        let handle = NEXT.fetch_add(0x10, Ordering::Relaxed);
        lock(&self.entries).insert(handle, value);
        handle
    }

    /// # Errors
    /// `INVALID_HANDLE` of one that never was, of another kind, or destroyed.
    pub(crate) fn get(&self, handle: usize) -> Result<Arc<T>> {
        lock(&self.entries).get(&handle).cloned().ok_or(Code::INVALID_HANDLE)
    }

    /// # Errors
    /// As of `get`.
    pub(crate) fn remove(&self, handle: usize) -> Result<Arc<T>> {
        lock(&self.entries).remove(&handle).ok_or(Code::INVALID_HANDLE)
    }

    /// The handle of one that is there.
    pub(crate) fn handle_of(&self, value: &Arc<T>) -> Option<usize> {
        let entries = lock(&self.entries);
        let found = entries.iter().find(|(_, other)| Arc::ptr_eq(other, value));
        found.map(|(handle, _)| *handle)
    }

    /// Forgets those that do not pass.
    pub(crate) fn retain(&self, passes: impl Fn(&T) -> bool) {
        lock(&self.entries).retain(|_, value| passes(value));
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}
