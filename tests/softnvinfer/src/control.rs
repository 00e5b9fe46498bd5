//! What a test asks of the library, and what it is told: functions that a real one does not have.

#![allow(unreachable_pub, reason = "they are exported by name")]

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The version of the headers that `tables` has of 11.x.
const VERSION_DEFAULT: i32 = 110_400;

/// What is counted while it lives.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Runtime,
    Engine,
    Context,
}

static ALIVE: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];
static FAILING: Mutex<String> = Mutex::new(String::new());
static PLUGINS: AtomicI32 = AtomicI32::new(0);

fn version_cell() -> &'static AtomicI32 {
    static VERSION: OnceLock<AtomicI32> = OnceLock::new();
    VERSION.get_or_init(|| {
        let stated = std::env::var("SOFTNVINFER_VERSION").ok();
        AtomicI32::new(stated.and_then(|text| text.parse().ok()).unwrap_or(VERSION_DEFAULT))
    })
}

/// As `getInferLibVersion` tells it: 10000 * major + 100 * minor + patch.
pub(crate) fn version() -> i32 {
    version_cell().load(Ordering::Relaxed)
}

/// 10 or 11; which layout objects have.
pub(crate) fn major() -> i32 {
    version() / 10_000
}

/// Whether a test asked for this function to fail.
pub(crate) fn fails(function: &str) -> bool {
    *FAILING.lock().unwrap_or_else(PoisonError::into_inner) == function
}

pub(crate) fn born(kind: Kind) {
    ALIVE[kind as usize].fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn gone(kind: Kind) {
    ALIVE[kind as usize].fetch_sub(1, Ordering::Relaxed);
}

/// Notes that plug-ins were asked for.
pub(crate) fn plugins_loaded() {
    PLUGINS.fetch_add(1, Ordering::Relaxed);
}

/// A program that does this would break a real library: it ends here.
pub(crate) fn violation(text: &str) {
    eprintln!("softnvinfer: violation: {text}");
    std::process::abort()
}

/// Which version the library is from now on; `SOFTNVINFER_VERSION` at the start.
#[unsafe(no_mangle)]
pub extern "C" fn softnvinfer_set_version(version: i32) {
    version_cell().store(version, Ordering::Relaxed);
}

/// Lets every call of the function of this name fail from now on; none if it is empty.
///
/// # Safety
/// `function` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softnvinfer_fail(function: *const c_char) {
    // SAFETY: the caller's promise.
    let function = unsafe { CStr::from_ptr(function) };
    let mut failing = FAILING.lock().unwrap_or_else(PoisonError::into_inner);
    *failing = function.to_string_lossy().into_owned();
}

/// How many runtimes (0), engines (1) and contexts (2) there are, and how often plug-ins were loaded (3).
#[unsafe(no_mangle)]
pub extern "C" fn softnvinfer_count(what: usize) -> i32 {
    ALIVE.get(what).unwrap_or(&PLUGINS).load(Ordering::Relaxed)
}
