//! Memory of the device and pinned memory of the host, of the current context, and copies.

use std::ffi::c_void;
use std::ptr::NonNull;

use cudarc::driver::{result, sys};

use super::stream::Stream;
use super::{Result, checked, named};

/// Memory of the device that is freed in a stream's order.
pub(in super::super) struct Memory(u64);

impl Memory {
    /// At least one byte, as no memory is of none.
    pub(in super::super) fn allocate(size_bytes: usize, stream: &Stream) -> Result<Self> {
        // SAFETY: the stream is alive.
        let allocated = unsafe { result::malloc_async(stream.raw(), size_bytes.max(1)) };
        named("cuMemAllocAsync", allocated).map(Self)
    }

    pub(in super::super) fn address(&self) -> u64 {
        self.0
    }

    /// Moves it out for its end; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self(std::mem::take(&mut self.0))
    }

    /// Frees it behind all that is in the stream.
    pub(in super::super) fn free(self, stream: &Stream) -> Result<()> {
        // SAFETY: it is allocated, and this consumes it.
        named("cuMemFreeAsync", unsafe { result::free_async(self.0, stream.raw()) })
    }
}

/// Pages of the host that the device copies from and to by itself.
pub(in super::super) struct Pinned {
    address: NonNull<u8>,
    size_bytes: usize,
}

// SAFETY: it is plain memory with one owner.
unsafe impl Send for Pinned {}
// SAFETY: as above; it is written through `&mut` alone.
unsafe impl Sync for Pinned {}

impl Pinned {
    /// Zeroed pages. Not write-combined: the host reads them, too.
    pub(in super::super) fn allocate(size_bytes: usize) -> Result<Self> {
        // SAFETY: the flag is one of `cuMemHostAlloc`.
        let allocated = unsafe { result::malloc_host(size_bytes, sys::CU_MEMHOSTALLOC_PORTABLE) };
        let address = NonNull::new(named("cuMemHostAlloc", allocated)?.cast());
        let address = address.unwrap_or(NonNull::dangling());
        // SAFETY: as many bytes were allocated; a reference to them asks that they were written.
        unsafe { address.write_bytes(0, size_bytes) };
        Ok(Self { address, size_bytes })
    }

    pub(in super::super) fn bytes(&self) -> &[u8] {
        // SAFETY: as many bytes were allocated, and whoever has `&self` keeps writers out.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.size_bytes) }
    }

    pub(in super::super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as many bytes were allocated, and `&mut self` is the only way to them.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.size_bytes) }
    }

    pub(in super::super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    pub(in super::super) fn free(self) -> Result<()> {
        // SAFETY: it is allocated, and this consumes it.
        named("cuMemFreeHost", unsafe { result::free_host(self.address.as_ptr().cast()) })
    }
}

/// Enqueues a copy from the host.
///
/// # Safety
/// As many bytes of the device are at `to`; `from` is left alone until the copy ran, if it is pinned.
pub(in super::super) unsafe fn copy_in(to: u64, from: &[u8], stream: &Stream) -> Result<()> {
    // SAFETY: the caller's promise.
    named("cuMemcpyHtoDAsync", unsafe { result::memcpy_htod_async(to, from, stream.raw()) })
}

/// Enqueues a copy to the host.
///
/// # Safety
/// As many bytes of the device are at `from`; `to` is left alone until the copy ran.
pub(in super::super) unsafe fn copy_out(to: &mut [u8], from: u64, stream: &Stream) -> Result<()> {
    // SAFETY: the caller's promise.
    named("cuMemcpyDtoHAsync", unsafe { result::memcpy_dtoh_async(to, from, stream.raw()) })
}

/// Enqueues a copy within a device.
///
/// # Safety
/// As many bytes of the device are at `to` and at `from`.
pub(in super::super) unsafe fn copy_within(
    to: u64,
    from: u64,
    size_bytes: usize,
    stream: &Stream,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let copied = unsafe { result::memcpy_dtod_async(to, from, size_bytes, stream.raw()) };
    named("cuMemcpyDtoDAsync", copied)
}

/// Enqueues that bytes of the device become `byte`.
///
/// # Safety
/// As many bytes of the device are at `to`.
pub(in super::super) unsafe fn fill(
    to: u64,
    byte: u8,
    size_bytes: usize,
    stream: &Stream,
) -> Result<()> {
    // SAFETY: the caller's promise.
    named("cuMemsetD8Async", unsafe { result::memset_d8_async(to, byte, size_bytes, stream.raw()) })
}

/// What the device has free, and has in all, in bytes.
pub(in super::super) fn info() -> Result<(usize, usize)> {
    named("cuMemGetInfo", result::mem_get_info())
}

/// The ordinal of the device that memory at `address` is of.
pub(in super::super) fn ordinal_of(address: u64) -> Result<i32> {
    let mut ordinal = -1_i32;
    let place: *mut c_void = (&raw mut ordinal).cast();
    let attribute = sys::CUpointer_attribute::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL;
    // SAFETY: this attribute is an `int`; the address is looked up, not followed.
    let code = unsafe { sys::cuPointerGetAttribute(place, attribute, address) };
    checked("cuPointerGetAttribute", code)?;
    Ok(ordinal)
}
