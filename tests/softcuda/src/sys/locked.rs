//! Host memory of `cuMemHostAlloc`.

use std::alloc::{Layout, alloc_zeroed, dealloc};

/// A page, as the driver aligns it.
const ALIGNMENT: usize = 4096;

/// Host memory that is given back when this is dropped.
pub(crate) struct Locked {
    address: usize,
    layout: Layout,
}

impl Locked {
    /// `None` if there is no such memory, or `size` is 0.
    pub(crate) fn new(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, ALIGNMENT).ok().filter(|it| it.size() > 0)?;
        // SAFETY: the layout is not empty.
        let bytes = unsafe { alloc_zeroed(layout) };
        (!bytes.is_null()).then_some(Self { address: bytes as usize, layout })
    }

    pub(crate) fn address(&self) -> usize {
        self.address
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: it came from `alloc_zeroed` with this layout, and is dropped once.
        unsafe { dealloc(self.address as *mut u8, self.layout) }
    }
}
