//! The functions that the library exports under their real names.

#![allow(unreachable_pub, reason = "they are exported by name")]

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;

use crate::control;
use crate::logger::{ERROR, INFO, Logger};
use crate::object::{Public, create};
use crate::runtime::Runtime;

/// 10000 * major + 100 * minor + patch.
#[unsafe(no_mangle)]
pub extern "C" fn getInferLibVersion() -> i32 {
    control::version()
}

/// An `IRuntime`; null where the caller's headers have another major.
///
/// # Safety
/// `logger` is an `ILogger` in this major's layout, and outlives what comes of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn createInferRuntime_INTERNAL(
    logger: *mut c_void,
    version: i32,
) -> *mut c_void {
    let logger = Logger(logger);
    if !logger.is_one() {
        control::violation("the logger says that it is none");
    }
    if version / 10_000 != control::major() {
        logger.log(ERROR, "the headers and the library differ in their major version");
        return null_mut();
    }
    if logger.asked_to_fail("createInferRuntime") {
        return null_mut();
    }
    logger.log(INFO, "softnvinfer: a runtime");
    let runtime: *mut Public = create(Runtime { logger });
    runtime.cast()
}

/// Registers the plug-ins of a library of plug-ins; here, there are none.
///
/// # Safety
/// As of `createInferRuntime_INTERNAL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn initLibNvInferPlugins(
    logger: *mut c_void,
    _namespace: *const c_char,
) -> bool {
    control::plugins_loaded();
    !Logger(logger).asked_to_fail("initLibNvInferPlugins")
}
