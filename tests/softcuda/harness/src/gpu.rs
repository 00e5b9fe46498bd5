//! The machine's own devices, which tests run on where they are told to.

use std::sync::OnceLock;

use libloading::{Library, Symbol};

/// Set by `make test-gpu`.
const ASKED: &str = "NEREID_TEST_GPU";

/// Whether tests are to run on the machine's devices.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(ASKED).is_some()
}

/// How many devices the machine's driver has. Asked once: it is a second's work for a driver.
pub(crate) fn device_count() -> u64 {
    static COUNT: OnceLock<u64> = OnceLock::new();
    *COUNT.get_or_init(counted)
}

fn counted() -> u64 {
    // SAFETY: initialisers of a driver's library have no demands.
    let library = unsafe { Library::new("libcuda.so.1") }.unwrap();
    // SAFETY: this is the function's type.
    let init: Symbol<'_, unsafe extern "C" fn(u32) -> i32> =
        unsafe { library.get("cuInit") }.unwrap();
    // SAFETY: it has no demands.
    assert_eq!(unsafe { init(0) }, 0, "cuInit");
    // SAFETY: this is the function's type.
    let get_count: Symbol<'_, unsafe extern "C" fn(*mut i32) -> i32> =
        unsafe { library.get("cuDeviceGetCount") }.unwrap();
    let mut count = 0;
    // SAFETY: the count is ours.
    assert_eq!(unsafe { get_count(&raw mut count) }, 0, "cuDeviceGetCount");
    std::mem::forget(library); // A driver is not made to be unloaded.
    u64::try_from(count).unwrap()
}
