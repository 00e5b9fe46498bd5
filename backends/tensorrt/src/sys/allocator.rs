//! `IOutputAllocator`: memory for outputs whose shapes are known only when they were computed.

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use nereid_kernels::device::{Allocation, Stream};

use super::Dims;
use super::logger::{InterfaceInfo, keep, language};
use super::object::Slot;

/// One output's, in one context. Layout as of `NvInferRuntime.h`: an `IVersionedInterface` in both majors.
#[repr(C)]
pub(super) struct OutputAllocator {
    table: *const Slot,
    stream: Stream,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    allocation: Option<Allocation>,
    dims: Option<Dims>,
}

/// What the table of an allocator holds.
#[repr(transparent)]
struct Table([Slot; 7]);

// SAFETY: addresses of functions, which never change.
unsafe impl Sync for Table {}

static TABLE: Table = Table([
    language as Slot,
    info as Slot,
    keep as Slot,
    keep as Slot,
    reallocate as Slot,
    reallocate_async as Slot,
    notify_shape as Slot,
]);

extern "C" fn info(_: *mut c_void) -> InterfaceInfo {
    InterfaceInfo { kind: c"IOutputAllocator".as_ptr(), major: 1, minor: 0 }
}

/// `reallocateOutput`, which `reallocateOutputAsync` has replaced.
extern "C" fn reallocate(
    this: &OutputAllocator,
    name: *const c_char,
    current: *mut c_void,
    size_bytes: u64,
    alignment: u64,
) -> *mut c_void {
    reallocate_async(this, name, current, size_bytes, alignment, null_mut())
}

/// `reallocateOutputAsync`. The pool's memory is aligned more than any output has to be.
extern "C" fn reallocate_async(
    this: &OutputAllocator,
    _name: *const c_char,
    _current: *mut c_void,
    size_bytes: u64,
    _alignment: u64,
    _stream: *mut c_void,
) -> *mut c_void {
    let allocation = usize::try_from(size_bytes).ok().and_then(|size_bytes| {
        let allocated = this.stream.allocate(size_bytes);
        allocated.inspect_err(|error| tracing::warn!("an output of TensorRT: {error}")).ok()
    });
    let address = allocation.as_ref().map_or(0, Allocation::address);
    this.made().allocation = allocation;
    address as *mut c_void
}

/// `notifyShape`.
extern "C" fn notify_shape(this: &OutputAllocator, _name: *const c_char, dims: &Dims) {
    this.made().dims = Some(*dims);
}

impl OutputAllocator {
    pub(super) fn new(stream: &Stream) -> Self {
        Self { table: TABLE.0.as_ptr(), stream: stream.clone(), made: Mutex::default() }
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }

    /// What the last run asked for.
    pub(super) fn take(&self) -> Option<(Allocation, Dims)> {
        let Made { allocation, dims } = std::mem::take(&mut *self.made());
        Some((allocation?, dims?))
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
