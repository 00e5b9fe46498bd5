//! The provider of the tests, beside the tests' binary, and what a test asks of it.
#![allow(unsafe_code, reason = "functions of a library")]

use std::ffi::{CString, c_char};
use std::path::PathBuf;

use libloading::Library;

pub(super) fn path() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libsoftprovider.so")
}

pub(super) struct SoftProvider(Library);

/// What the provider counts.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Sessions = 0,
    Bytes = 1,
    Waits = 2,
}

impl SoftProvider {
    pub(super) fn new() -> Self {
        // SAFETY: the library does nothing when it is loaded.
        Self(unsafe { Library::new(path()) }.unwrap())
    }

    /// Lets calls of this function fail from now on; none if it is empty.
    pub(super) fn fail(&self, function: &str) {
        let function = CString::new(function).unwrap();
        // SAFETY: this is the function's type.
        let fail =
            unsafe { self.0.get::<unsafe extern "C" fn(*const c_char)>("softprovider_fail") };
        // SAFETY: the name ends with a 0.
        unsafe { fail.unwrap()(function.as_ptr()) };
    }

    pub(super) fn count(&self, what: Count) -> i64 {
        // SAFETY: this is the function's type.
        let count = unsafe { self.0.get::<extern "C" fn(usize) -> i64>("softprovider_count") };
        count.unwrap()(what as usize)
    }
}
