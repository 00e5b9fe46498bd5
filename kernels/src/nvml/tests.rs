//! Against functions of the test's own, by NVML's types. Two devices, the second of which knows
//! nothing of power.
#![allow(unsafe_code)]

use std::ffi::c_char;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sys::{Functions, Handle, Memory, Utilization};
use super::*;

const NOT_SUPPORTED: i32 = 3;
const UUIDS: [&str; 2] = ["GPU-00", "GPU-01"];

static ENERGY: AtomicU64 = AtomicU64::new(5_000);

/// The ordinal, as the handle is here.
fn ordinal(handle: Handle) -> usize {
    // SAFETY: a handle is an address.
    unsafe { std::mem::transmute::<Handle, usize>(handle) }
}

extern "C" fn succeed() -> i32 {
    0
}

extern "C" fn fail() -> i32 {
    9 // NVML_ERROR_DRIVER_NOT_LOADED
}

unsafe extern "C" fn count(count: *mut u32) -> i32 {
    // SAFETY: as of NVML.
    unsafe { count.write(2) };
    0
}

unsafe extern "C" fn by_index(index: u32, handle: *mut Handle) -> i32 {
    // SAFETY: as of NVML.
    unsafe { handle.cast::<usize>().write(index as usize) };
    0
}

unsafe extern "C" fn uuid(handle: Handle, text: *mut c_char, _capacity: u32) -> i32 {
    for (place, byte) in UUIDS[ordinal(handle)].bytes().chain([0]).enumerate() {
        // SAFETY: as of NVML; there is room for more.
        unsafe { text.cast::<u8>().wrapping_add(place).write(byte) };
    }
    0
}

unsafe extern "C" fn utilization(_: Handle, rates: *mut Utilization) -> i32 {
    // SAFETY: as of NVML.
    unsafe { rates.write(Utilization { gpu: 25, memory: 50 }) };
    0
}

unsafe extern "C" fn memory(_: Handle, memory: *mut Memory) -> i32 {
    // SAFETY: as of NVML.
    let memory = unsafe { &mut *memory };
    (memory.total, memory.used) = (80 << 30, 3 << 30);
    0
}

unsafe extern "C" fn power(handle: Handle, milliwatts: *mut u32) -> i32 {
    if ordinal(handle) == 1 {
        return NOT_SUPPORTED;
    }
    // SAFETY: as of NVML.
    unsafe { milliwatts.write(70_500) };
    0
}

unsafe extern "C" fn energy(handle: Handle, millijoules: *mut u64) -> i32 {
    if ordinal(handle) == 1 {
        return NOT_SUPPORTED;
    }
    // SAFETY: as of NVML.
    unsafe { millijoules.write(ENERGY.load(Ordering::Relaxed)) };
    0
}

fn functions() -> Functions {
    Functions {
        init: succeed,
        shutdown: succeed,
        count,
        by_index,
        uuid,
        utilization,
        memory,
        power,
        power_limit: power,
        energy,
        _library: None,
    }
}

#[test]
fn a_device_tells_what_it_can_in_triton_s_units() {
    let nvml = Nvml::watch(functions(), &UUIDS.map(str::to_owned)).unwrap();
    ENERGY.store(6_250, Ordering::Relaxed);
    let first = Reading {
        uuid: "GPU-00".to_owned(),
        utilization: Some(0.25),
        memory_total_bytes: Some(80 << 30),
        memory_used_bytes: Some(3 << 30),
        power_watts: Some(70.5),
        power_limit_watts: Some(70.5),
        energy_joules: Some(1.25),
    };
    let second = Reading {
        uuid: "GPU-01".to_owned(),
        power_watts: None,
        power_limit_watts: None,
        energy_joules: None,
        ..first.clone()
    };
    assert_eq!(nvml.read(), [first, second]);
}

#[test]
fn devices_that_are_not_served_are_not_watched() {
    let nvml = Nvml::watch(functions(), &["GPU-01".to_owned()]).unwrap();
    let uuids: Vec<_> = nvml.read().into_iter().map(|reading| reading.uuid).collect();
    assert_eq!(uuids, ["GPU-01"]);
}

#[test]
fn a_driver_that_is_not_loaded_is_told() {
    let error = Nvml::watch(Functions { init: fail, ..functions() }, &[]).err().unwrap();
    assert_eq!(error.to_string(), "nvmlInit failed with 9; see nvidia-smi");
}
