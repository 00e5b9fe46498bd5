//! Streams and events: what is in order, and what the host may count on.

use std::ffi::c_void;
use std::sync::Mutex;

use crate::device::{Device, INVALID_HANDLE, NOT_READY};

/// Work that waits until the test opens the gate.
struct Gate(Mutex<()>);

extern "C" fn pass(gate: *mut c_void) {
    // SAFETY: the test keeps the gate until the stream is done.
    let gate = unsafe { &*gate.cast::<Gate>() };
    drop(gate.0.lock());
}

impl Device {
    fn stop_at(&self, stream: usize, gate: &Gate) {
        let gate: *const Gate = gate;
        assert_eq!(self.cuLaunchHostFunc(stream, pass, gate.cast_mut().cast()), 0);
    }
}

#[test]
fn a_stream_goes_on_without_the_host_and_tells_when_it_is_done() {
    let (device, gate) = (Device::open(), Gate(Mutex::new(())));
    let (stream, closed) = (device.stream(), gate.0.lock().unwrap());
    let start = device.recorded(stream);
    device.stop_at(stream, &gate);
    let end = device.recorded(stream);
    assert_eq!(device.cuEventSynchronize(start), 0);
    assert_eq!(device.cuStreamQuery(stream), NOT_READY);
    assert_eq!(device.cuEventQuery(end), NOT_READY);
    let mut milliseconds = -1.0;
    assert_eq!(device.cuEventElapsedTime(&raw mut milliseconds, start, end), NOT_READY);
    drop(closed);
    assert_eq!(device.cuEventSynchronize(end), 0);
    assert_eq!(device.cuEventQuery(end), 0);
    assert_eq!(device.cuStreamQuery(stream), 0);
    assert_eq!(device.cuEventElapsedTime(&raw mut milliseconds, start, end), 0);
    assert!(milliseconds >= 0.0);
}

#[test]
fn a_wait_takes_the_record_that_was_there() {
    let (device, gate) = (Device::open(), Gate(Mutex::new(())));
    let (one, two) = (device.stream(), device.stream());
    let event = device.recorded(one);
    assert_eq!(device.cuStreamWaitEvent(two, event, 0), 0);
    let closed = gate.0.lock().unwrap();
    device.stop_at(one, &gate);
    assert_eq!(device.cuEventRecord(event, one), 0); // Too late for the wait above.
    assert_eq!(device.cuStreamSynchronize(two), 0);
    assert_eq!(device.cuStreamWaitEvent(two, event, 0), 0);
    assert_eq!(device.cuStreamQuery(two), NOT_READY);
    drop(closed);
    assert_eq!(device.cuStreamSynchronize(two), 0);
}

#[test]
fn an_event_that_was_never_recorded_holds_nobody() {
    let device = Device::open();
    let (stream, mut event, mut milliseconds) = (device.stream(), 0, 0.0);
    assert_eq!(device.cuEventCreate(&raw mut event, 2), 0);
    assert_eq!(device.cuEventQuery(event), 0);
    assert_eq!(device.cuEventSynchronize(event), 0);
    assert_eq!(device.cuStreamWaitEvent(stream, event, 0), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!(device.cuEventRecord(event, stream), 0);
    assert_eq!(device.cuEventSynchronize(event), 0);
    let without_time = device.cuEventElapsedTime(&raw mut milliseconds, event, event);
    assert_eq!(without_time, INVALID_HANDLE);
}

#[test]
fn the_null_stream_is_in_order_with_blocking_streams_alone() {
    let (device, gate) = (Device::open(), Gate(Mutex::new(())));
    let (mut blocking, apart) = (0, device.stream());
    assert_eq!(device.cuStreamCreate(&raw mut blocking, 0), 0);
    let memory = device.alloc(8);
    let closed = gate.0.lock().unwrap();
    device.stop_at(blocking, &gate);
    assert_eq!(device.cuMemsetD8Async(memory, 1, 8, 0), 0);
    assert_eq!(device.cuStreamQuery(0), NOT_READY);
    assert_eq!(device.cuStreamSynchronize(apart), 0);
    drop(closed);
    assert_eq!(device.cuStreamSynchronize(0), 0);
    assert_eq!(device.cuMemsetD8Async(memory, 2, 8, blocking), 0);
    device.assert_clean();
}

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
fn a_stream_that_is_destroyed_ends_its_work() {
    let (device, gate) = (Device::open(), Gate(Mutex::new(())));
    let (stream, memory) = (device.stream(), device.alloc(4));
    let closed = gate.0.lock().unwrap();
    device.stop_at(stream, &gate);
    assert_eq!(device.cuMemsetD8Async(memory, 9, 4, stream), 0);
    let event = device.recorded(stream);
    assert_eq!(device.cuStreamDestroy_v2(stream), 0);
    drop(closed);
    assert_eq!(device.cuEventSynchronize(event), 0);
    assert_eq!(device.download(memory, 4), [9; 4]);
}

#[test]
fn contexts_are_the_threads_own() {
    let device = Device::open_with(&[("devices", 3)]);
    let (mut count, mut context, mut address) = (0, 0, 0);
    assert_eq!(device.cuDeviceGetCount(&raw mut count), 0);
    assert_eq!(count, 3);
    assert_eq!(device.cuDevicePrimaryCtxRetain(&raw mut context, 3), 101);
    std::thread::scope(|scope| {
        let none = scope.spawn(|| device.cuMemAlloc_v2(&raw mut address, 8));
        assert_eq!(none.join().unwrap(), 201);
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
