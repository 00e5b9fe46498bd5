//! The driver, as a runtime calls it: found by itself, in the context that the caller made current.

use std::ffi::{CString, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

use libloading::Library;

/// A call that failed, by its name and number.
pub(crate) type Failure = String;

/// A kernel, and the module that it is unloaded with.
pub(crate) struct Kernel {
    module: *mut c_void,
    function: *mut c_void,
}

// SAFETY: handles of the driver, which any thread may use that has their context.
unsafe impl Send for Kernel {}
// SAFETY: as above.
unsafe impl Sync for Kernel {}

/// Memory of the device, such as weights.
pub(crate) struct Memory(u64);

fn library() -> Result<&'static Library, Failure> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    // SAFETY: a driver does nothing when it is loaded.
    let library = LIBRARY.get_or_init(|| unsafe { Library::new("libcuda.so.1") }.ok());
    library.as_ref().ok_or_else(|| "cudaErrorInsufficientDriver (35)".to_owned())
}

macro_rules! call {
    ($name:literal ($($type:ty = $value:expr),*)) => {
        (|| {
            // SAFETY: this is the function's type.
            let function = unsafe {
                library()?.get::<unsafe extern "C" fn($($type),*) -> i32>($name)
            };
            let function = function.map_err(|error| error.to_string())?;
            // SAFETY: the arguments are what the function asks for.
            match unsafe { function($($value),*) } {
                0 => Ok(()),
                code => Err(format!("{}: CUresult {code}", $name)),
            }
        })()
    };
}

impl Kernel {
    /// Compiles `ptx` and finds the kernel `model` in it.
    pub(crate) fn load(ptx: &str) -> Result<Self, Failure> {
        let text = CString::new(ptx).map_err(|_| "PTX with a NUL".to_owned())?;
        let mut kernel = Self { module: null_mut(), function: null_mut() };
        call!("cuModuleLoadData"(
            *mut *mut c_void = &raw mut kernel.module,
            *const c_void = text.as_ptr().cast()
        ))?;
        call!("cuModuleGetFunction"(
            *mut *mut c_void = &raw mut kernel.function,
            *mut c_void = kernel.module,
            *const c_void = c"model".as_ptr().cast()
        ))?;
        Ok(kernel)
    }

    /// Enqueues it in `stream` with a thread for each of `count` elements. Its one argument is `words`.
    pub(crate) fn launch(
        &self,
        stream: *mut c_void,
        count: u32,
        words: &[u64],
    ) -> Result<(), Failure> {
        const THREADS: u32 = 64;
        let mut parameters = [words.as_ptr().cast_mut().cast::<c_void>()];
        call!("cuLaunchKernel"(
            *mut c_void = self.function,
            u32 = count.div_ceil(THREADS).max(1), u32 = 1, u32 = 1,
            u32 = THREADS, u32 = 1, u32 = 1,
            u32 = 0, *mut c_void = stream,
            *mut *mut c_void = parameters.as_mut_ptr(), *mut *mut c_void = null_mut()
        ))
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if !self.module.is_null() {
            let _best_effort: Result<(), Failure> =
                call!("cuModuleUnload"(*mut c_void = self.module));
        }
    }
}

impl Memory {
    pub(crate) fn allocate(size_bytes: usize) -> Result<Self, Failure> {
        let mut address = 0;
        call!("cuMemAlloc_v2"(*mut u64 = &raw mut address, usize = size_bytes))?;
        Ok(Self(address))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _best_effort: Result<(), Failure> = call!("cuMemFree_v2"(u64 = self.0));
    }
}

/// Major and minor of the current device's compute capability.
pub(crate) fn capability() -> Result<(i32, i32), Failure> {
    const MAJOR: i32 = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    const MINOR: i32 = 76;
    let (mut device, mut major, mut minor) = (0, 0, 0);
    call!("cuCtxGetDevice"(*mut i32 = &raw mut device))?;
    call!("cuDeviceGetAttribute"(*mut i32 = &raw mut major, i32 = MAJOR, i32 = device))?;
    call!("cuDeviceGetAttribute"(*mut i32 = &raw mut minor, i32 = MINOR, i32 = device))?;
    Ok((major, minor))
}
