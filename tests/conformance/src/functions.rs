//! The functions of the driver API that tests call.
#![allow(missing_docs, clippy::too_many_arguments)]

use std::ffi::{c_char, c_void};

use crate::Driver;

/// `CUipcMemHandle`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct IpcHandle {
    pub bytes: [u8; 64],
}

/// Makes a method of each function, which is looked up by its name at the call.
#[macro_export]
macro_rules! functions {
    ($owner:ty: $(fn $name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        #[allow(non_snake_case, dead_code, clippy::must_use_candidate)]
        impl $owner {
            $(pub fn $name(&self, $($argument: $type),*) -> i32 {
                type Function = unsafe extern "C" fn($($type),*) -> i32;
                let name = stringify!($name);
                // SAFETY: the types are those of the function.
                let found = unsafe { self.library().get::<Function>(name) };
                let function = found.unwrap();
                // SAFETY: pointers are to what tests own, but where an error is the test.
                unsafe { function($($argument),*) }
            })*
        }
    };
}

functions! {
    Driver:
    fn cuInit(flags: u32);
    fn cuDeviceGetCount(count: *mut i32);
    fn cuDeviceGetAttribute(value: *mut i32, attribute: i32, device: i32);
    fn cuDevicePrimaryCtxRetain(context: *mut usize, device: i32);
    fn cuCtxSetCurrent(context: usize);
    fn cuCtxPopCurrent_v2(context: *mut usize);
    fn cuCtxPushCurrent_v2(context: usize);
    fn cuCtxSynchronize();
    fn cuStreamCreate(stream: *mut usize, flags: u32);
    fn cuStreamDestroy_v2(stream: usize);
    fn cuStreamSynchronize(stream: usize);
    fn cuStreamQuery(stream: usize);
    fn cuStreamWaitEvent(stream: usize, event: usize, flags: u32);
    fn cuLaunchHostFunc(stream: usize, function: extern "C" fn(*mut c_void), data: *mut c_void);
    fn cuEventCreate(event: *mut usize, flags: u32);
    fn cuEventDestroy_v2(event: usize);
    fn cuEventRecord(event: usize, stream: usize);
    fn cuEventSynchronize(event: usize);
    fn cuEventQuery(event: usize);
    fn cuEventElapsedTime(milliseconds: *mut f32, start: usize, end: usize);
    fn cuDriverGetVersion(version: *mut i32);
    fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: i32);
    fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: i32);
    fn cuGetProcAddress_v2(name: *const c_char, function: *mut usize, version: i32, flags: u64,
        status: *mut i32);
    fn cuCtxGetStreamPriorityRange(least: *mut i32, greatest: *mut i32);
    fn cuStreamCreateWithPriority(stream: *mut usize, flags: u32, priority: i32);
    fn cuStreamGetPriority(stream: usize, priority: *mut i32);
    fn cuDeviceCanAccessPeer(can: *mut i32, device: i32, peer: i32);
    fn cuCtxEnablePeerAccess(peer: usize, flags: u32);
    fn cuCtxDisablePeerAccess(peer: usize);
    fn cuMemcpyPeerAsync(to: u64, to_context: usize, from: u64, from_context: usize, size: usize,
        stream: usize);
    fn cuMemPoolSetAccess(pool: usize, access: *const c_void, count: usize);
    fn cuMemPoolGetAccess(flags: *mut u32, pool: usize, location: *const c_void);
    fn cuIpcGetMemHandle(handle: *mut IpcHandle, address: u64);
    fn cuIpcOpenMemHandle_v2(address: *mut u64, handle: IpcHandle, flags: u32);
    fn cuIpcCloseMemHandle(address: u64);
    fn cuStreamBeginCapture_v2(stream: usize, mode: i32);
    fn cuStreamEndCapture(stream: usize, graph: *mut usize);
    fn cuStreamIsCapturing(stream: usize, status: *mut i32);
    fn cuStreamGetCaptureInfo_v2(stream: usize, status: *mut i32, number: *mut u64,
        graph: *mut usize, dependencies: *mut usize, count: *mut usize);
    fn cuGraphInstantiateWithFlags(executable: *mut usize, graph: usize, flags: u64);
    fn cuGraphUpload(executable: usize, stream: usize);
    fn cuGraphLaunch(executable: usize, stream: usize);
    fn cuGraphExecDestroy(executable: usize);
    fn cuGraphDestroy(graph: usize);
    fn cuMemPoolCreate(pool: *mut usize, properties: *const c_void);
    fn cuMemPoolDestroy(pool: usize);
    fn cuMemPoolTrimTo(pool: usize, kept: usize);
    fn cuMemPoolGetAttribute(pool: usize, attribute: i32, value: *mut c_void);
    fn cuMemPoolSetAttribute(pool: usize, attribute: i32, value: *mut c_void);
    fn cuMemAllocFromPoolAsync(address: *mut u64, size: usize, pool: usize, stream: usize);
    fn cuDeviceGetDefaultMemPool(pool: *mut usize, device: i32);
    fn cuDeviceGetMemPool(pool: *mut usize, device: i32);
    fn cuDeviceSetMemPool(device: i32, pool: usize);
    fn cuPointerGetAttributes(count: u32, attributes: *const i32, values: *const *mut c_void,
        address: u64);
    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
    fn cuMemAlloc_v2(address: *mut u64, size: usize);
    fn cuMemAllocAsync(address: *mut u64, size: usize, stream: usize);
    fn cuMemFree_v2(address: u64);
    fn cuMemFreeAsync(address: u64, stream: usize);
    fn cuMemHostAlloc(address: *mut *mut u8, size: usize, flags: u32);
    fn cuMemFreeHost(address: *mut u8);
    fn cuMemHostRegister_v2(address: *mut u8, size: usize, flags: u32);
    fn cuMemHostUnregister(address: *mut u8);
    fn cuMemcpyHtoD_v2(to: u64, from: *const u8, size: usize);
    fn cuMemcpyDtoH_v2(to: *mut u8, from: u64, size: usize);
    fn cuMemcpyHtoDAsync_v2(to: u64, from: *const u8, size: usize, stream: usize);
    fn cuMemcpyDtoHAsync_v2(to: *mut u8, from: u64, size: usize, stream: usize);
    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, size: usize, stream: usize);
    fn cuMemsetD8Async(address: u64, byte: u8, size: usize, stream: usize);
    fn cuPointerGetAttribute(value: *mut c_void, attribute: i32, address: u64);
    fn cuModuleLoadData(module: *mut usize, image: *const c_char);
    fn cuModuleLoadDataEx(module: *mut usize, image: *const c_char, count: u32,
        options: *const i32, values: *const usize);
    fn cuModuleUnload(module: usize);
    fn cuModuleGetFunction(function: *mut usize, module: usize, name: *const c_char);
    fn cuModuleGetGlobal_v2(address: *mut u64, size: *mut usize, module: usize, name: *const c_char);
    fn cuFuncGetAttribute(value: *mut i32, attribute: i32, function: usize);
    fn cuLaunchKernel(function: usize, grid_x: u32, grid_y: u32, grid_z: u32, block_x: u32,
        block_y: u32, block_z: u32, shared: u32, stream: usize,
        arguments: *const *const c_void, extra: *const c_void);
    fn cuDeviceGetName(name: *mut c_char, size: i32, device: i32);
    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: i32);
    fn cuCtxGetCurrent(context: *mut usize);
    fn cuFuncSetAttribute(function: usize, attribute: i32, value: i32);
}
