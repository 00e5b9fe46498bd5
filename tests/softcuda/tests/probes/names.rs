//! The functions that a device layer over `cudarc` calls. `cudarc` asks for each name when it is
//! first called, and panics where there is none.

use std::ffi::CString;

use crate::device::Device;

/// Traced from `cudarc` 0.19 with `cuda-12080`, and what Nereid calls beside it.
const NAMES: &str = "cuInit cuDriverGetVersion cuDeviceGetCount cuDeviceGet cuDeviceGetName \
    cuDeviceTotalMem_v2 cuDeviceGetUuid cuDeviceGetUuid_v2 cuDeviceGetAttribute \
    cuDeviceCanAccessPeer cuCtxEnablePeerAccess cuCtxDisablePeerAccess cuMemPoolSetAccess \
    cuMemPoolGetAccess cuIpcGetMemHandle cuIpcOpenMemHandle_v2 cuIpcCloseMemHandle cuDevicePrimaryCtxRetain cuDevicePrimaryCtxRelease_v2 \
    cuDevicePrimaryCtxGetState cuCtxGetCurrent cuCtxSetCurrent cuCtxPushCurrent_v2 \
    cuCtxPopCurrent_v2 cuCtxGetDevice cuCtxSynchronize cuCtxGetStreamPriorityRange \
    cuStreamCreate cuStreamCreateWithPriority cuStreamGetPriority cuStreamDestroy_v2 \
    cuStreamSynchronize cuStreamQuery cuStreamWaitEvent cuStreamIsCapturing cuStreamGetCaptureInfo cuStreamGetCaptureInfo_v2 cuStreamBeginCapture_v2 \
    cuStreamEndCapture cuGraphInstantiateWithFlags cuGraphUpload cuGraphLaunch \
    cuGraphExecDestroy cuGraphDestroy cuLaunchHostFunc \
    cuEventCreate cuEventRecord cuEventSynchronize cuEventQuery cuEventElapsedTime \
    cuEventElapsedTime_v2 cuEventDestroy_v2 cuMemAllocAsync cuMemAlloc_v2 cuMemFreeAsync \
    cuMemFree_v2 cuMemGetInfo_v2 cuMemcpyHtoDAsync_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoDAsync_v2 \
    cuMemcpyPeerAsync cuMemcpyHtoD_v2 cuMemcpyDtoH_v2 cuMemcpyDtoD_v2 cuMemsetD8Async \
    cuMemsetD8_v2 cuMemHostAlloc cuMemFreeHost cuMemHostRegister_v2 cuMemHostUnregister \
    cuPointerGetAttribute cuPointerGetAttributes cuMemPoolCreate cuMemPoolDestroy \
    cuMemPoolSetAttribute cuMemPoolGetAttribute cuMemPoolTrimTo cuMemAllocFromPoolAsync \
    cuDeviceGetDefaultMemPool cuDeviceGetMemPool cuDeviceSetMemPool cuModuleLoadData cuModuleLoadDataEx \
    cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleUnload cuFuncGetAttribute \
    cuFuncSetAttribute cuLaunchKernel cuGetErrorName cuGetErrorString cuGetProcAddress_v2";

#[test]
fn every_function_is_there() {
    let device = Device::open();
    let missing: Vec<_> = NAMES.split_whitespace().filter(|name| !device.has(name)).collect();
    assert_eq!(missing, [""; 0]);
    assert!(!device.has("cuMemAllocManaged"));
}

#[test]
fn functions_are_found_by_name_in_their_newest_version() {
    let device = Device::open();
    let find = |name: &str| {
        let (name, mut function, mut status) = (CString::new(name).unwrap(), 1, -1);
        let result = device.cuGetProcAddress_v2(
            name.as_ptr(),
            &raw mut function,
            12_080,
            0,
            &raw mut status,
        );
        (result, function, status)
    };
    assert_eq!(find("cuMemAlloc"), (0, device.address_of("cuMemAlloc_v2"), 0));
    assert_eq!(find("cuInit"), (0, device.address_of("cuInit"), 0));
    assert_eq!(find("cuNothing"), (500, 0, 1));
}

#[test]
fn properties_of_devices() {
    let device = Device::open_with(&[("devices", 2)]);
    let (mut one, mut two, mut version) = ([0; 16], [0; 16], 0);
    assert_eq!(device.cuDeviceGetUuid(&raw mut one, 0), 0);
    assert_eq!(device.cuDeviceGetUuid_v2(&raw mut two, 1), 0);
    assert_ne!(one, two);
    assert_eq!(device.cuDeviceGetUuid(&raw mut one, 2), 101);
    assert_eq!(device.cuDriverGetVersion(&raw mut version), 0);
    assert_eq!(version, 12_090);
}
