//! The library, loaded as a program loads NVML. Each case has a process and an environment of its own.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::ffi::{CStr, c_char};
use std::process::Command;

use libloading::{Library, Symbol};

struct Nvml(Library);

impl Nvml {
    fn open() -> Self {
        let built = std::env::current_exe().unwrap().parent().unwrap().join("libsoftnvml.so");
        // SAFETY: the library does nothing when it is loaded.
        Self(unsafe { Library::new(built) }.unwrap())
    }

    /// The function of that name, which has this type.
    fn function<T>(&self, name: &str) -> Symbol<'_, T> {
        // SAFETY: the callers give the types of `nvml.h`.
        unsafe { self.0.get(name) }.unwrap()
    }

    fn plain(&self, name: &str) -> i32 {
        self.function::<extern "C" fn() -> i32>(name)()
    }

    fn handle(&self, number: u32) -> (i32, usize) {
        let function =
            self.function::<extern "C" fn(u32, *mut usize) -> i32>("nvmlDeviceGetHandleByIndex_v2");
        let mut handle = 0;
        (function(number, &raw mut handle), handle)
    }

    fn read<T: Default>(&self, name: &str, device: usize) -> (i32, T) {
        let function = self.function::<extern "C" fn(usize, *mut T) -> i32>(name);
        let mut value = T::default();
        (function(device, &raw mut value), value)
    }
}

/// Runs a test of this file that is ignored otherwise.
fn run(name: &str, environment: &[(&str, &str)]) {
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

#[test]
fn devices_say_what_the_environment_tells_them() {
    run(
        "child_with_two_devices",
        &[
            ("SOFTNVML_DEVICES", "2"),
            ("SOFTNVML_MEMORY_TOTAL_BYTES", "1000"),
            ("SOFTNVML_MEMORY_USED_BYTES", "100,300"),
            ("SOFTNVML_UTILIZATION_PERCENT", "42"),
            ("SOFTNVML_MEMORY_UTILIZATION_PERCENT", "7"),
            ("SOFTNVML_POWER_MW", "50000,-"),
            ("SOFTNVML_ENERGY_MJ", "9,lost"),
        ],
    );
}

#[test]
#[ignore = "a part of the test above"]
fn child_with_two_devices() {
    let nvml = Nvml::open();
    let mut count = 0;
    let get_count = nvml.function::<extern "C" fn(*mut u32) -> i32>("nvmlDeviceGetCount_v2");
    assert_eq!(get_count(&raw mut count), 1, "it is not initialised");
    assert_eq!(nvml.plain("nvmlInit_v2"), 0);
    assert_eq!((get_count(&raw mut count), count), (0, 2));
    let ((found, one), (also_found, two)) = (nvml.handle(0), nvml.handle(1));
    assert_eq!((found, also_found, nvml.handle(2).0), (0, 0, 2));
    let memory = |device| nvml.read::<[u64; 3]>("nvmlDeviceGetMemoryInfo", device);
    assert_eq!(memory(one), (0, [1000, 900, 100]));
    assert_eq!(memory(two), (0, [1000, 700, 300]));
    assert_eq!(memory(5).0, 2);
    assert_eq!(nvml.read("nvmlDeviceGetUtilizationRates", two), (0, [42_u32, 7]));
    assert_eq!(nvml.read("nvmlDeviceGetPowerUsage", one), (0, 50_000_u32));
    assert_eq!(nvml.read::<u32>("nvmlDeviceGetPowerUsage", two).0, 3);
    assert_eq!(nvml.read("nvmlDeviceGetPowerManagementLimit", two), (0, 250_000_u32));
    assert_eq!(nvml.read("nvmlDeviceGetEnforcedPowerLimit", two), (0, 250_000_u32));
    assert_eq!(nvml.read("nvmlDeviceGetTotalEnergyConsumption", one), (0, 9_u64));
    assert_eq!(nvml.read::<u64>("nvmlDeviceGetTotalEnergyConsumption", two).0, 15);
    let text = nvml.function::<extern "C" fn(i32) -> *const c_char>("nvmlErrorString")(15);
    // SAFETY: it is text that the library keeps.
    assert_eq!(unsafe { CStr::from_ptr(text) }, c"GPU is lost");
    assert_eq!(nvml.plain("nvmlShutdown"), 0);
    assert_eq!(get_count(&raw mut count), 1);
    assert_eq!(nvml.plain("nvmlShutdown"), 1);
}

#[test]
fn devices_have_uuids() {
    run("child_with_uuids", &[("SOFTNVML_DEVICES", "3")]);
}

#[test]
#[ignore = "a part of the test above"]
fn child_with_uuids() {
    type Find = extern "C" fn(*const c_char, *mut usize) -> i32;
    let nvml = Nvml::open();
    assert_eq!(nvml.plain("nvmlInit_v2"), 0);
    let device = nvml.handle(2).1;
    let get = nvml.function::<extern "C" fn(usize, *mut c_char, u32) -> i32>("nvmlDeviceGetUUID");
    let (mut text, mut found) = ([0_u8; 64], 0);
    assert_eq!(get(device, text.as_mut_ptr().cast(), 40), 7, "there is no room for the 0");
    assert_eq!(get(device, text.as_mut_ptr().cast(), 41), 0);
    let text = CStr::from_bytes_until_nul(&text).unwrap();
    assert_eq!(text, c"GPU-736f6674-7761-7265-2d64-657669636502");
    let find = nvml.function::<Find>("nvmlDeviceGetHandleByUUID");
    assert_eq!((find(text.as_ptr(), &raw mut found), found), (0, device));
    assert_eq!(find(c"GPU-0".as_ptr(), &raw mut found), 6);
}

#[test]
fn initialising_fails_on_demand() {
    run("child_without_a_driver", &[("SOFTNVML_INIT", "9")]);
}

#[test]
#[ignore = "a part of the test above"]
fn child_without_a_driver() {
    let nvml = Nvml::open();
    assert_eq!(nvml.plain("nvmlInit_v2"), 9);
    assert_eq!(nvml.handle(0).0, 1);
}
