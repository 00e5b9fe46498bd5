//! Handles, contexts and devices that are not there. What there is, `tests/conformance` has.

use crate::device::{Device, INVALID_CONTEXT, INVALID_DEVICE, INVALID_HANDLE};

#[test]
fn handles_that_are_gone_are_refused() {
    let device = Device::open();
    let stream = device.stream();
    let event = device.recorded(stream);
    assert_eq!(device.cuEventRecord(stream, stream), INVALID_HANDLE);
    assert_eq!(device.cuEventDestroy_v2(event), 0);
    assert_eq!(device.cuEventSynchronize(event), INVALID_HANDLE);
    assert_eq!(device.cuStreamDestroy_v2(stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), INVALID_HANDLE);
}

#[test]
fn contexts_are_the_threads_own() {
    let device = Device::open_with(&[("devices", 3)]);
    let (mut count, mut context, mut address) = (0, 0, 0);
    assert_eq!(device.cuDeviceGetCount(&raw mut count), 0);
    assert_eq!(count, 3);
    assert_eq!(device.cuDevicePrimaryCtxRetain(&raw mut context, 3), INVALID_DEVICE);
    std::thread::scope(|scope| {
        let none = scope.spawn(|| device.cuMemAlloc_v2(&raw mut address, 8));
        assert_eq!(none.join().unwrap(), INVALID_CONTEXT);
    });
    assert_eq!(device.cuDevicePrimaryCtxRetain(&raw mut context, 2), 0);
    assert_eq!(device.cuCtxPushCurrent_v2(context), 0);
    let mut popped = 0;
    assert_eq!(device.cuCtxPopCurrent_v2(&raw mut popped), 0);
    assert_eq!(popped, context);
    device.alloc(8);
}

#[test]
fn no_device_is_an_answer() {
    let device = Device::open_with(&[("devices", 1)]);
    device.assert_clean();
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "order::child_without_devices", "--ignored"])
        .env("SOFTCUDA_DEVICES", "0")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(!run.status.success() && told.contains("left: 100"), "{told}");
}

/// Run by the test above, with an environment of its own.
#[test]
#[ignore = "it has no device"]
fn child_without_devices() {
    Device::open();
}
