//! The driver. Its codes are the runtime's, where both have one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use libloading::Library;

/// `cudaErrorNotSupported`.
pub(crate) const NOT_SUPPORTED: i32 = 801;
/// `cudaErrorInsufficientDriver`.
const NO_DRIVER: i32 = 35;

/// What `cudaGetLastError` tells.
static LAST: AtomicI32 = AtomicI32::new(0);

pub(crate) fn library() -> Result<&'static Library, i32> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| unsafe { Library::new("libcuda.so.1") }.ok());
    library.as_ref().ok_or(NO_DRIVER)
}

/// Calls a function of the driver in the primary context of the first device.
macro_rules! call {
    ($name:literal ($($type:ty = $value:expr),*)) => {
        $crate::driver::enter().and_then(|()| $crate::driver::raw!($name($($type = $value),*)))
    };
}

/// Calls a function of the driver.
macro_rules! raw {
    ($name:literal ($($type:ty = $value:expr),*)) => {
        (|| {
            let function = unsafe {
                $crate::driver::library()?.get::<unsafe extern "C" fn($($type),*) -> i32>($name)
            };
            let function = function.map_err(|_| $crate::driver::NOT_SUPPORTED)?;
            match unsafe { function($($value),*) } {
                0 => Ok(()),
                code => Err(code),
            }
        })()
    };
}
pub(crate) use {call, raw};

/// As the runtime does at its first call.
pub(crate) fn enter() -> Result<(), i32> {
    static CONTEXT: OnceLock<Result<usize, i32>> = OnceLock::new();
    let context = *CONTEXT.get_or_init(|| {
        let mut context = 0;
        raw!("cuInit"(u32 = 0))?;
        raw!("cuDevicePrimaryCtxRetain"(*mut usize = &raw mut context, i32 = 0))?;
        Ok(context)
    });
    raw!("cuCtxSetCurrent"(usize = context?))
}

/// What a function of the runtime answers.
pub(crate) fn answer(result: Result<(), i32>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(code) => {
            LAST.store(code, Ordering::Relaxed);
            code
        }
    }
}

pub(crate) fn take_last() -> i32 {
    LAST.swap(0, Ordering::Relaxed)
}

pub(crate) fn last() -> i32 {
    LAST.load(Ordering::Relaxed)
}
