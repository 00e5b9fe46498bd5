//! Devices and their primary contexts.

use cudarc::driver::sys::{CUcontext, CUdevice, CUdevice_attribute};
use cudarc::driver::{result, sys};

use super::{Result, checked, named};

/// A device's primary context, retained until it is dropped.
pub(in super::super) struct Context {
    device: CUdevice,
    raw: CUcontext,
}

// SAFETY: any thread may make a context current and release it.
unsafe impl Send for Context {}
// SAFETY: as above; the driver locks its contexts.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: it was retained once by `retain`, and is given back once.
            let _nobody_is_left_to_be_told = unsafe { result::primary_ctx::release(self.device) };
        }
    }
}

/// What a device says of itself.
pub(in super::super) struct Properties {
    pub(in super::super) name: String,
    pub(in super::super) uuid: [u8; 16],
    pub(in super::super) memory_bytes: usize,
    pub(in super::super) compute_capability: (i32, i32),
    pub(in super::super) has_memory_pools: bool,
    /// The most of a launch.
    pub(in super::super) block_threads_max: i32,
    pub(in super::super) block_max: [i32; 3],
    pub(in super::super) grid_max: [i32; 3],
    pub(in super::super) shared_bytes_max: i32,
}

impl Context {
    /// Retains the primary context of the device of this ordinal.
    pub(in super::super) fn retain(ordinal: u32) -> Result<Self> {
        // One that no `int` can say is none of the device's that were counted.
        let ordinal = i32::try_from(ordinal).unwrap_or(-1);
        let device = named("cuDeviceGet", result::device::get(ordinal))?;
        // SAFETY: the device is there.
        let retained = unsafe { result::primary_ctx::retain(device) };
        Ok(Self { device, raw: named("cuDevicePrimaryCtxRetain", retained)? })
    }

    /// Makes it the context that this thread's calls mean.
    pub(in super::super) fn make_current(&self) -> Result<()> {
        // SAFETY: it is retained.
        named("cuCtxSetCurrent", unsafe { result::ctx::set_current(self.raw) })
    }

    /// Moves it out for its end; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self { device: self.device, raw: std::mem::replace(&mut self.raw, std::ptr::null_mut()) }
    }

    pub(in super::super) fn properties(&self) -> Result<Properties> {
        use CUdevice_attribute as A;
        let name = named("cuDeviceGetName", result::device::get_name(self.device))?;
        // SAFETY: the device is there.
        let memory = unsafe { result::device::total_mem(self.device) };
        Ok(Properties {
            name,
            uuid: self.uuid()?,
            memory_bytes: named("cuDeviceTotalMem", memory)?,
            compute_capability: (
                self.attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                self.attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            has_memory_pools: self.attribute(A::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? != 0,
            block_threads_max: self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
            block_max: [
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X)?,
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y)?,
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)?,
            ],
            grid_max: [
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X)?,
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y)?,
                self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)?,
            ],
            shared_bytes_max: self.attribute(A::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK)?,
        })
    }

    /// As NVML and `nvidia-smi` tell it: of a partition (MIG), its own.
    fn uuid(&self) -> Result<[u8; 16]> {
        let mut bytes = [0_u8; 16];
        // SAFETY: `CUuuid` is 16 bytes, and so is what it is written to.
        let code = unsafe { sys::cuDeviceGetUuid_v2((&raw mut bytes).cast(), self.device) };
        checked("cuDeviceGetUuid", code)?;
        Ok(bytes)
    }

    fn attribute(&self, attribute: CUdevice_attribute) -> Result<i32> {
        // SAFETY: the device is there.
        let value = unsafe { result::device::get_attribute(self.device, attribute) };
        named("cuDeviceGetAttribute", value)
    }

    /// Whether it can reach the memory of another device by itself.
    pub(in super::super) fn can_reach(&self, other: &Self) -> Result<bool> {
        let mut can = 0;
        // SAFETY: the answer goes to a number of ours; both devices are there.
        let code = unsafe { sys::cuDeviceCanAccessPeer(&raw mut can, self.device, other.device) };
        checked("cuDeviceCanAccessPeer", code).map(|()| can != 0)
    }

    pub(super) fn device(&self) -> CUdevice {
        self.device
    }

    pub(super) fn raw(&self) -> CUcontext {
        self.raw
    }
}
