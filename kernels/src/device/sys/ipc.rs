//! Memory of a device that another process has allocated.

use std::ffi::c_int;

use cudarc::driver::sys::{self, CUpointer_attribute};

use super::{Result, checked};

/// Bytes of a `CUipcMemHandle`.
pub(in super::super) const HANDLE_BYTES: usize = 64;

/// Another process's memory, as the current context has it.
pub(in super::super) struct Mapping(u64);

/// What the driver says of it.
pub(in super::super) struct Place {
    /// The device that has it.
    pub(in super::super) ordinal: c_int,
    /// How much there is from the mapping's address on.
    pub(in super::super) size_bytes: usize,
}

impl Mapping {
    /// Opens what a handle stands for. The driver finds out what is no handle of its own.
    pub(in super::super) fn open(handle: &[u8; HANDLE_BYTES]) -> Result<Self> {
        let handle = sys::CUipcMemHandle { reserved: handle.map(u8::cast_signed) };
        let flags = sys::CUipcMem_flags::CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS as u32;
        let mut address = 0;
        // SAFETY: the address goes to a number of ours, and a handle may be any bytes.
        let code = unsafe { sys::cuIpcOpenMemHandle_v2(&raw mut address, handle, flags) };
        checked("cuIpcOpenMemHandle", code).map(|()| Self(address))
    }

    /// Where it is in this process.
    pub(in super::super) fn address(&self) -> u64 {
        self.0
    }

    /// Where it is, and how much of it.
    pub(in super::super) fn place(&self) -> Result<Place> {
        use CUpointer_attribute as A;
        let (mut ordinal, mut start, mut size_bytes) = (0 as c_int, 0_u64, 0_usize);
        // SAFETY: this attribute is an `int`.
        unsafe { self.read(A::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, &raw mut ordinal) }?;
        // SAFETY: this attribute is a `CUdeviceptr`.
        unsafe { self.read(A::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, &raw mut start) }?;
        // SAFETY: this attribute is a `size_t`.
        unsafe { self.read(A::CU_POINTER_ATTRIBUTE_RANGE_SIZE, &raw mut size_bytes) }?;
        // Small allocations may share one of the driver's, of which this is a part.
        let before = usize::try_from(self.0.saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(Place { ordinal, size_bytes: size_bytes.saturating_sub(before) })
    }

    /// Asks for an attribute.
    ///
    /// # Safety
    /// `T` is the attribute's type.
    unsafe fn read<T>(&self, attribute: CUpointer_attribute, value: *mut T) -> Result<()> {
        // SAFETY: the caller's promise; the address is mapped.
        let code = unsafe { sys::cuPointerGetAttribute(value.cast(), attribute, self.0) };
        checked("cuPointerGetAttribute", code)
    }

    /// Moves it out for its end; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self(std::mem::take(&mut self.0))
    }

    /// Ends it. Nothing may be enqueued any more that uses it.
    pub(in super::super) fn close(self) -> Result<()> {
        // SAFETY: it is open, and this consumes it.
        checked("cuIpcCloseMemHandle", unsafe { sys::cuIpcCloseMemHandle(self.0) })
    }
}
