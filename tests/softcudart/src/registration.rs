//! How the compiler of CUDA has kernels registered when a library is loaded, and launches them: none is.

use std::ffi::c_void;
use std::ptr::null_mut;

use crate::driver::{NOT_SUPPORTED, answer};
use crate::runtime::runtime;

/// Stands for all that is registered.
#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFatBinary(_: *mut c_void) -> *mut c_void {
    static mut HANDLE: usize = 0;
    (&raw mut HANDLE).cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFatBinaryEnd(_: *mut c_void) {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaUnregisterFatBinary(_: *mut c_void) {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFunction() {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterVar() {}

/// What a launch in CUDA C begins with; the error is told by what it goes on with.
#[unsafe(no_mangle)]
pub extern "C" fn __cudaPushCallConfiguration() -> u32 {
    0
}

runtime! {
    fn __cudaPopCallConfiguration() { Err(NOT_SUPPORTED) }
    fn __cudaLaunchKernel() { Err(NOT_SUPPORTED) }
    fn __cudaGetKernel(kernel: *mut *mut c_void) {
        unsafe { *kernel = null_mut() };
        Err(NOT_SUPPORTED)
    }
}
