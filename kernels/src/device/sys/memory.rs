//! Memory of the device and pinned memory of the host, of the current context, and copies.

use std::ffi::c_ushort;
use std::ptr::NonNull;

use cudarc::driver::{result, sys};

use super::context::Context;
use super::stream::Stream;
use super::{Result, checked, named};

/// Where a device's memory comes from.
pub(in super::super) struct Pool(sys::CUmemoryPool);

// SAFETY: any thread that has the context current may use a pool; the driver locks it.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    /// One that keeps up to `kept_bytes_max` of what is freed.
    pub(in super::super) fn create(context: &Context, kept_bytes_max: u64) -> Result<Self> {
        let properties = sys::CUmemPoolProps {
            allocType: sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED,
            handleTypes: sys::CUmemAllocationHandleType::CU_MEM_HANDLE_TYPE_NONE,
            location: location(context),
            win32SecurityAttributes: std::ptr::null_mut(),
            maxSize: 0, // The system's; the limit of ours is told by name.
            usage: c_ushort::MIN,
            reserved: [0; 54],
        };
        // SAFETY: the properties are all there.
        let created = unsafe { result::mem_pool::create(&raw const properties) };
        let pool = Self(named("cuMemPoolCreate", created)?);
        let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        let mut kept_bytes_max = kept_bytes_max;
        let value = (&raw mut kept_bytes_max).cast();
        // SAFETY: this attribute is a `cuuint64_t`.
        let set = unsafe { result::mem_pool::set_attribute(pool.0, threshold, value) };
        named("cuMemPoolSetAttribute", set).map(|()| pool)
    }

    /// Lets another device reach all that comes of it.
    pub(in super::super) fn open_to(&self, other: &Context) -> Result<()> {
        let access = sys::CUmemAccessDesc {
            location: location(other),
            flags: sys::CUmemAccess_flags::CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
        };
        // SAFETY: the pool is alive, and one description is there.
        let code = unsafe { sys::cuMemPoolSetAccess(self.0, &raw const access, 1) };
        checked("cuMemPoolSetAccess", code)
    }

    /// Moves it out for its end; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self(std::mem::replace(&mut self.0, std::ptr::null_mut()))
    }

    /// With all that it kept; what is still in use stays.
    pub(in super::super) fn destroy(self) -> Result<()> {
        // SAFETY: it was created, and this consumes it.
        named("cuMemPoolDestroy", unsafe { result::mem_pool::destroy(self.0) })
    }
}

fn location(of: &Context) -> sys::CUmemLocation {
    let type_ = sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
    sys::CUmemLocation { type_, id: of.device() }
}

/// Memory of the device that is freed in a stream's order.
pub(in super::super) struct Memory(u64);

impl Memory {
    /// At least one byte, as no memory is of none.
    pub(in super::super) fn allocate(
        pool: &Pool,
        size_bytes: usize,
        stream: &Stream,
    ) -> Result<Self> {
        // SAFETY: the pool and the stream are alive.
        let allocated =
            unsafe { result::mem_pool::alloc_async(pool.0, size_bytes.max(1), stream.raw()) };
        named("cuMemAllocFromPoolAsync", allocated).map(Self)
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

/// Enqueues a copy from memory of one device to that of another; the stream is of either.
///
/// # Safety
/// As many bytes are at both addresses, each of its context's device.
pub(in super::super) unsafe fn copy_across(
    (to_context, to): (&Context, u64),
    (from_context, from): (&Context, u64),
    size_bytes: usize,
    stream: &Stream,
) -> Result<()> {
    let (to_context, from_context) = (to_context.raw(), from_context.raw());
    // SAFETY: the caller's promise; the contexts are retained.
    let copied = unsafe {
        result::memcpy_peer_async(to_context, to, from_context, from, size_bytes, stream.raw())
    };
    named("cuMemcpyPeerAsync", copied)
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
