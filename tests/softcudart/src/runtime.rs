//! CUDA's runtime: `cuda_runtime_api.h` of CUDA 13.

use std::ffi::{c_char, c_void};
use std::ptr::{copy_nonoverlapping, write_bytes};

use crate::driver::{NOT_SUPPORTED, answer, call, last, raw, take_last};

/// CUDA 13.5.
const VERSION: i32 = 13_050;
const MEMORY_BYTES: usize = 8 << 30;

/// `cudaDeviceProp`: its size, and the places of what is told, each with its value in so many bytes.
const PROPERTIES_BYTES: usize = 1008;
const PROPERTIES: [(usize, usize, u64); 9] = [
    (288, 8, MEMORY_BYTES as u64), // totalGlobalMem
    (296, 8, 48 << 10),            // sharedMemPerBlock
    (308, 4, 32),                  // warpSize
    (320, 4, 1024),                // maxThreadsPerBlock
    (336, 4, 1 << 30),             // maxGridSize
    (360, 4, 7),                   // major
    (364, 4, 5),                   // minor
    (384, 4, 4),                   // multiProcessorCount
    (604, 4, 1024),                // maxThreadsPerMultiProcessor
];

/// Functions that answer a code.
macro_rules! runtime {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $body:block)*) => {
        $($(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> i32 {
            #[allow(clippy::unnecessary_wraps, reason = "others fail")]
            fn body($($argument: $type),*) -> Result<(), i32> { $body }
            answer(body($($argument),*))
        })*
    };
}
pub(crate) use runtime;

type Pointer = *mut c_void;

runtime! {
    fn cudaGetDeviceCount(count: *mut i32) {
        raw!("cuInit"(u32 = 0))?;
        raw!("cuDeviceGetCount"(*mut i32 = count))
    }
    fn cudaSetDevice(device: i32) {
        if device == 0 { crate::driver::enter() } else { Err(NOT_SUPPORTED) }
    }
    fn cudaGetDevice(device: *mut i32) {
        unsafe { *device = 0 };
        Ok(())
    }
    fn cudaGetDeviceProperties(properties: *mut u8, _device: i32) {
        unsafe { write_bytes(properties, 0, PROPERTIES_BYTES) };
        for (place, size, value) in PROPERTIES {
            unsafe { copy_nonoverlapping(value.to_le_bytes().as_ptr(), properties.add(place), size) };
        }
        Ok(())
    }
    fn cudaDeviceGetAttribute(value: *mut i32, _attribute: i32, _device: i32) {
        unsafe { *value = 0 };
        Ok(())
    }
    fn cudaDriverGetVersion(version: *mut i32) {
        unsafe { *version = VERSION };
        Ok(())
    }
    fn cudaRuntimeGetVersion(version: *mut i32) {
        unsafe { *version = VERSION };
        Ok(())
    }
    fn cudaMemGetInfo(free: *mut usize, total: *mut usize) {
        call!("cuMemGetInfo_v2"(*mut usize = free, *mut usize = total))
    }
    fn cudaMalloc(address: *mut Pointer, size: usize) {
        call!("cuMemAlloc_v2"(*mut Pointer = address, usize = size))
    }
    fn cudaFree(address: Pointer) {
        if address.is_null() { Ok(()) } else { call!("cuMemFree_v2"(Pointer = address)) }
    }
    fn cudaHostAlloc(address: *mut Pointer, size: usize, _flags: u32) {
        call!("cuMemHostAlloc"(*mut Pointer = address, usize = size, u32 = 0))
    }
    fn cudaMallocHost(address: *mut Pointer, size: usize) {
        call!("cuMemHostAlloc"(*mut Pointer = address, usize = size, u32 = 0))
    }
    fn cudaFreeHost(address: Pointer) {
        call!("cuMemFreeHost"(Pointer = address))
    }
    fn cudaMemcpyAsync(to: Pointer, from: Pointer, size: usize, kind: i32, stream: usize) {
        match kind {
            1 => call!("cuMemcpyHtoDAsync_v2"(Pointer = to, Pointer = from, usize = size, usize = stream)),
            2 => call!("cuMemcpyDtoHAsync_v2"(Pointer = to, Pointer = from, usize = size, usize = stream)),
            3 => call!("cuMemcpyDtoDAsync_v2"(Pointer = to, Pointer = from, usize = size, usize = stream)),
            _ => Err(NOT_SUPPORTED),
        }
    }
    fn cudaMemcpy(to: Pointer, from: Pointer, size: usize, kind: i32) {
        match kind {
            1 => call!("cuMemcpyHtoD_v2"(Pointer = to, Pointer = from, usize = size)),
            2 => call!("cuMemcpyDtoH_v2"(Pointer = to, Pointer = from, usize = size)),
            3 => call!("cuMemcpyDtoD_v2"(Pointer = to, Pointer = from, usize = size)),
            _ => Err(NOT_SUPPORTED),
        }
    }
    fn cudaMemsetAsync(address: Pointer, value: i32, size: usize, stream: usize) {
        let byte = value.to_le_bytes()[0];
        call!("cuMemsetD8Async"(Pointer = address, u8 = byte, usize = size, usize = stream))
    }
    fn cudaMemset(address: Pointer, value: i32, size: usize) {
        let byte = value.to_le_bytes()[0];
        call!("cuMemsetD8_v2"(Pointer = address, u8 = byte, usize = size))
    }
    fn cudaDeviceSynchronize() {
        call!("cuCtxSynchronize"())
    }
    fn cudaStreamCreate(stream: *mut usize) {
        call!("cuStreamCreate"(*mut usize = stream, u32 = 0))
    }
    fn cudaStreamCreateWithFlags(stream: *mut usize, flags: u32) {
        call!("cuStreamCreate"(*mut usize = stream, u32 = flags))
    }
    fn cudaStreamDestroy(stream: usize) {
        call!("cuStreamDestroy_v2"(usize = stream))
    }
    fn cudaStreamSynchronize(stream: usize) {
        call!("cuStreamSynchronize"(usize = stream))
    }
    fn cudaStreamIsCapturing(_stream: usize, status: *mut i32) {
        unsafe { *status = 0 };
        Ok(())
    }
    fn cudaStreamWaitEvent(stream: usize, event: usize, _flags: u32) {
        call!("cuStreamWaitEvent"(usize = stream, usize = event, u32 = 0))
    }
    fn cudaEventCreate(event: *mut usize) {
        call!("cuEventCreate"(*mut usize = event, u32 = 0))
    }
    fn cudaEventCreateWithFlags(event: *mut usize, flags: u32) {
        call!("cuEventCreate"(*mut usize = event, u32 = flags))
    }
    fn cudaEventDestroy(event: usize) {
        call!("cuEventDestroy_v2"(usize = event))
    }
    fn cudaEventRecord(event: usize, stream: usize) {
        call!("cuEventRecord"(usize = event, usize = stream))
    }
    fn cudaEventSynchronize(event: usize) {
        call!("cuEventSynchronize"(usize = event))
    }
    fn cudaLaunchHostFunc(stream: usize, function: Pointer, data: Pointer) {
        call!("cuLaunchHostFunc"(usize = stream, Pointer = function, Pointer = data))
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetLastError() -> i32 {
    take_last()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaPeekAtLastError() -> i32 {
    last()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorName(_: i32) -> *const c_char {
    c"cudaError".as_ptr()
}

/// What is not supported is a kernel, most likely.
#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorString(code: i32) -> *const c_char {
    match code {
        NOT_SUPPORTED => c"no kernel of NVIDIA's runs on the software CUDA device".as_ptr(),
        _ => c"an error of the software CUDA device".as_ptr(),
    }
}
