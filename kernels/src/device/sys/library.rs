//! The library of the driver: whether it is there, whole, and new enough.

use cudarc::driver::{result, sys};

use super::{Result, checked, named};

/// Every function that is called in `sys`. cudarc panics at the first call of one that is missing, so
/// all are looked up before any is called.
const FUNCTIONS: [&str; 45] = [
    "cuCtxGetStreamPriorityRange",
    "cuCtxSetCurrent",
    "cuDeviceCanAccessPeer",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDeviceGetName",
    "cuDeviceGetUuid_v2",
    "cuDevicePrimaryCtxRelease_v2",
    "cuDevicePrimaryCtxRetain",
    "cuDeviceTotalMem_v2",
    "cuDriverGetVersion",
    "cuEventCreate",
    "cuEventDestroy_v2",
    "cuEventQuery",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuFuncGetAttribute",
    "cuGetErrorName",
    "cuGetErrorString",
    "cuInit",
    "cuIpcCloseMemHandle",
    "cuIpcOpenMemHandle_v2",
    "cuLaunchKernel",
    "cuMemAllocFromPoolAsync",
    "cuMemFreeAsync",
    "cuMemFreeHost",
    "cuMemHostAlloc",
    "cuMemPoolCreate",
    "cuMemPoolDestroy",
    "cuMemPoolSetAccess",
    "cuMemPoolSetAttribute",
    "cuMemcpyDtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyPeerAsync",
    "cuMemsetD8Async",
    "cuModuleGetFunction",
    "cuModuleLoadDataEx",
    "cuModuleUnload",
    "cuPointerGetAttribute",
    "cuStreamCreateWithPriority",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamWaitEvent",
];

/// Whether the library can be opened. Asked before anything else is: cudarc panics where it is not.
/// These are the names that drivers have; cudarc tries 34, which takes a while where there is none.
pub(in super::super) fn is_present() -> bool {
    ["libcuda.so.1", "libcuda.so"].into_iter().any(|name| {
        // SAFETY: initialisers of the driver's library have no demands.
        let opened = unsafe { libloading::Library::new(name) };
        // It stays open: cudarc opens it next, and a driver is not made to be unloaded.
        opened.map(std::mem::forget).is_ok()
    })
}

/// The functions that the library lacks.
pub(in super::super) fn missing() -> Vec<&'static str> {
    // SAFETY: asked only where the library is present, so it does not panic.
    let library = unsafe { sys::culib() };
    let is_missing = |name: &&str| {
        // SAFETY: the address is looked up, and not called as the type that it is given here.
        unsafe { library.get::<unsafe extern "C" fn()>(name.as_bytes()) }.is_err()
    };
    FUNCTIONS.into_iter().filter(is_missing).collect()
}

/// The newest CUDA that the driver serves, as 1000 * major + 10 * minor.
pub(in super::super) fn version() -> Result<i32> {
    let mut version = 0;
    // SAFETY: the result goes to a number of ours.
    checked("cuDriverGetVersion", unsafe { sys::cuDriverGetVersion(&raw mut version) })?;
    Ok(version)
}

/// Starts the driver, once for the process.
pub(in super::super) fn init() -> Result<()> {
    named("cuInit", result::init())
}

/// How many devices there are.
pub(in super::super) fn device_count() -> Result<u32> {
    let count = named("cuDeviceGetCount", result::device::get_count())?;
    Ok(count.unsigned_abs())
}
