//! What a test asks of the library: from the environment, as `SOFTNVJPEG_HARDWARE_ENGINES`, or by
//! `softnvjpeg_set("hardware_engines", …)`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::status::{Result, Status};

/// Something that a test may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Setting {
    /// 0: there is no hardware decoder.
    HardwareEngines,
    /// 0: there is no Huffman decoding on the device.
    GpuHybrid,
    /// As 1000 * major + 10 * minor.
    Version,
}

/// Name and default, in the order of `Setting`.
const SETTINGS: [(&str, u64); 3] =
    [("hardware_engines", 0), ("gpu_hybrid", 1), ("version", 12_040)];

static VALUES: LazyLock<[AtomicU64; SETTINGS.len()]> = LazyLock::new(|| {
    SETTINGS.map(|(name, default)| {
        let variable = format!("SOFTNVJPEG_{}", name.to_uppercase());
        let given = std::env::var(variable).ok().and_then(|value| value.parse().ok());
        AtomicU64::new(given.unwrap_or(default))
    })
});

/// What is known of each function by its name.
static CALLS: LazyLock<Mutex<HashMap<String, Calls>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Copy, Default)]
struct Calls {
    count: u64,
    /// Calls until one fails, and what it then gives; none if 0.
    fails_in: u64,
    status: i32,
}

pub(crate) fn get(setting: Setting) -> u64 {
    VALUES[setting as usize].load(Ordering::Relaxed)
}

/// # Errors
/// `INVALID_PARAMETER` if there is none of that name.
pub(crate) fn set(name: &str, value: u64) -> Result<()> {
    let place = SETTINGS.iter().position(|(known, _)| *known == name);
    let place = place.ok_or(Status::INVALID_PARAMETER)?;
    VALUES[place].store(value, Ordering::Relaxed);
    Ok(())
}

/// The n-th call of a function from now gives `status`, once, and does nothing.
pub(crate) fn fail(function: &str, nth: u64, status: i32) {
    let mut calls = calls();
    let calls = calls.entry(function.to_owned()).or_default();
    (calls.fails_in, calls.status) = (nth, status);
}

/// How many times a function was called.
pub(crate) fn count(function: &str) -> u64 {
    calls().get(function).map_or(0, |calls| calls.count)
}

/// Notes a call.
///
/// # Errors
/// What a test wants it to give.
pub(crate) fn enter(function: &str) -> Result<()> {
    let mut calls = calls();
    let calls = calls.entry(function.to_owned()).or_default();
    calls.count += 1;
    let fails_in = calls.fails_in;
    calls.fails_in = fails_in.saturating_sub(1);
    if fails_in == 1 { Err(Status(calls.status)) } else { Ok(()) }
}

fn calls() -> MutexGuard<'static, HashMap<String, Calls>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}
