//! What a test asks of the library, and what it is told: functions that no other provider has.

#![allow(unreachable_pub, reason = "they are exported by name")]

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::api::Failure;

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// Sessions that there are.
    Providers,
    /// Bytes that sessions have of devices.
    Bytes,
    /// How often a run waited for its stream at its end.
    Waits,
}

static COUNTS: [AtomicI64; 3] = [const { AtomicI64::new(0) }; 3];

/// The function to fail, by its name; `SOFTPROVIDER_FAIL` at the start.
fn failing() -> &'static Mutex<String> {
    static FAILING: OnceLock<Mutex<String>> = OnceLock::new();
    FAILING.get_or_init(|| Mutex::new(std::env::var("SOFTPROVIDER_FAIL").unwrap_or_default()))
}

/// Fails if a test asked for that.
pub(crate) fn check(function: &str) -> Result<(), Failure> {
    if *failing().lock().unwrap_or_else(PoisonError::into_inner) == function {
        return Err(format!("{function} fails, as the test asks"));
    }
    Ok(())
}

pub(crate) fn add(what: Count, number: i64) {
    COUNTS[what as usize].fetch_add(number, Ordering::Relaxed);
}

/// Lets every call of the function of this name fail from now on; none if it is empty.
///
/// # Safety
/// `function` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softprovider_fail(function: *const c_char) {
    let function = unsafe { CStr::from_ptr(function) };
    let mut failing = failing().lock().unwrap_or_else(PoisonError::into_inner);
    *failing = function.to_string_lossy().into_owned();
}

/// How many sessions there are (0), the bytes that they have (1), and the waits at the ends of runs (2).
#[unsafe(no_mangle)]
pub extern "C" fn softprovider_count(what: usize) -> i64 {
    COUNTS.get(what).map_or(-1, |count| count.load(Ordering::Relaxed))
}
