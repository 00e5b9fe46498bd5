//! Work that is captured, and launched as a graph.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_conformance::Add;

use crate::device::{Device, INVALID_HANDLE};

const GLOBAL: i32 = 0;
const THREAD_LOCAL: i32 = 1;
const RELAXED: i32 = 2;

const ILLEGAL_STATE: i32 = 401;
const UNSUPPORTED: i32 = 900;
const INVALIDATED: i32 = 901;
const MERGE: i32 = 902;
const UNMATCHED: i32 = 903;
const UNJOINED: i32 = 904;
const ISOLATION: i32 = 905;
const IMPLICIT: i32 = 906;
const CAPTURED_EVENT: i32 = 907;
const WRONG_THREAD: i32 = 908;

impl Device {
    fn begin(&self, stream: usize) {
        assert_eq!(self.cuStreamBeginCapture_v2(stream, GLOBAL), 0);
    }

    fn end(&self, stream: usize) -> i32 {
        let mut graph = 1;
        let result = self.cuStreamEndCapture(stream, &raw mut graph);
        assert_eq!(result == 0, graph != 0);
        if result == 0 {
            assert_eq!(self.cuGraphDestroy(graph), 0);
        }
        result
    }

    /// The graph of a capture that went well, to be launched.
    fn executable(&self, stream: usize) -> usize {
        let (mut graph, mut executable) = (0, 0);
        assert_eq!(self.cuStreamEndCapture(stream, &raw mut graph), 0);
        assert_eq!(self.cuGraphInstantiateWithFlags(&raw mut executable, graph, 0), 0);
        assert_eq!(self.cuGraphDestroy(graph), 0); // The executable keeps what it needs.
        executable
    }

    fn status(&self, stream: usize) -> i32 {
        let mut status = -1;
        assert_eq!(self.cuStreamIsCapturing(stream, &raw mut status), 0);
        status
    }

    fn event(&self) -> usize {
        let mut event = 0;
        assert_eq!(self.cuEventCreate(&raw mut event, 2), 0);
        event
    }
}

#[test]
fn what_is_captured_is_done_at_each_launch() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: *mut c_void) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
    let device = Device::open();
    let add = Add::load(&device);
    let (stream, host) = (device.stream(), device.pinned(8));
    let (from, to) = (device.alloc(4), device.alloc(4));
    Device::host(host, 8).fill(0);
    device.begin(stream);
    assert_eq!(device.status(stream), 1);
    assert_eq!(device.cuMemcpyHtoDAsync_v2(from, host, 4, stream), 0);
    assert_eq!(add.launch(from, to, 1, stream), 0);
    assert_eq!(device.cuMemsetD8Async(to + 3, 7, 1, stream), 0);
    assert_eq!(device.cuMemcpyDtoHAsync_v2(host.wrapping_add(4), to, 4, stream), 0);
    assert_eq!(device.cuLaunchHostFunc(stream, count, std::ptr::null_mut()), 0);
    let executable = device.executable(stream);
    assert_eq!(device.status(stream), 0);
    assert_eq!((device.count("launches"), device.count("h2d_calls")), (0, 0));
    assert_eq!(device.cuGraphUpload(executable, stream), 0);
    for value in [1, 2] {
        Device::host(host, 8)[0] = value;
        assert_eq!(device.cuGraphLaunch(executable, stream), 0);
        assert_eq!(device.cuStreamSynchronize(stream), 0);
        let back = &Device::host(host, 8)[4..];
        assert_eq!(back, [value + 11, 0, 0, 7]); // The kernel adds 10 and its constant 1.
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    let counts = ["graph_launches", "launches", "h2d_calls", "d2h_bytes", "memsets"];
    assert_eq!(counts.map(|name| device.count(name)), [2, 2, 2, 8, 2]);
    assert_eq!(device.cuGraphExecDestroy(executable), 0);
    assert_eq!(device.cuGraphLaunch(executable, stream), INVALID_HANDLE);
    device.assert_clean();
}

/// Two streams fork and join in a graph; with `is_ordered`, an event orders their work too.
fn fork(device: &Device, is_ordered: bool) -> i32 {
    let (one, two, other) = (device.stream(), device.stream(), device.stream());
    let memory = device.upload(&[0; 64]);
    device.begin(one);
    device.order(one, two);
    assert_eq!(device.status(two), 1);
    assert_eq!(device.cuMemsetD8Async(memory, 1, 48, one), 0);
    if is_ordered {
        device.order(one, two);
    }
    assert_eq!(device.cuMemsetD8Async(memory + 32, 2, 32, two), 0);
    device.order(two, one);
    let executable = device.executable(one);
    assert_eq!((device.status(one), device.status(two)), (0, 0));
    for _ in 0..2 {
        assert_eq!(device.cuGraphLaunch(executable, other), 0);
    }
    assert_eq!(device.cuStreamSynchronize(other), 0);
    let bytes = device.download(memory, 64);
    assert_eq!((bytes[0], bytes[63]), (1, 2));
    assert!(!is_ordered || bytes[40] == 2);
    device.cuGraphExecDestroy(executable)
}

#[test]
fn streams_fork_and_join_in_a_graph() {
    for delay_us in [0, 500] {
        let device = Device::open_with(&[("delay_us", delay_us)]);
        assert_eq!(fork(&device, true), 0);
        device.assert_clean();
        let device = Device::open_with(&[("delay_us", delay_us)]);
        assert_eq!(fork(&device, false), 0);
        let violations = device.violations();
        assert!(!violations.is_empty());
        let is_race = |text: &String| text.contains("of bytes 32..48: no event orders them");
        assert!(violations.iter().all(is_race), "{violations:#?}");
    }
}

#[test]
fn a_graph_is_in_order_with_the_stream_it_is_launched_in() {
    for is_same in [true, false] {
        let device = Device::open();
        let (one, two, memory) = (device.stream(), device.stream(), device.alloc(8));
        device.begin(one);
        assert_eq!(device.cuMemsetD8Async(memory, 1, 8, one), 0);
        let executable = device.executable(one);
        assert_eq!(device.cuMemsetD8Async(memory, 0, 8, one), 0);
        assert_eq!(device.cuGraphLaunch(executable, if is_same { one } else { two }), 0);
        assert_eq!(device.cuCtxSynchronize(), 0);
        assert_eq!(device.violations().is_empty(), is_same, "{:#?}", device.violations());
    }
}

#[test]
fn streams_that_are_not_joined() {
    let device = Device::open();
    let (one, two, memory) = (device.stream(), device.stream(), device.alloc(8));
    device.begin(one);
    device.order(one, two);
    assert_eq!(device.cuMemsetD8Async(memory, 1, 8, two), 0);
    assert_eq!(device.end(one), UNJOINED);
    assert_eq!((device.status(one), device.status(two)), (0, 0));
    device.begin(one);
    device.order(one, two);
    assert_eq!(device.cuMemsetD8Async(memory, 1, 8, two), 0);
    device.order(two, one);
    assert_eq!(device.end(one), 0);
}

#[test]
fn calls_that_end_a_capture() {
    let device = Device::open();
    let (stream, mut pageable) = (device.stream(), [0; 8]);
    let memory = device.upload(&[0; 8]);
    let event = device.recorded(device.stream());
    let calls: [(&str, i32, &mut dyn FnMut() -> i32); 9] = [
        ("wait", UNSUPPORTED, &mut || device.cuStreamSynchronize(stream)),
        ("query", UNSUPPORTED, &mut || device.cuStreamQuery(stream)),
        ("all", UNSUPPORTED, &mut || device.cuCtxSynchronize()),
        ("allocation", UNSUPPORTED, &mut || device.cuMemAlloc_v2(&mut 0, 8)),
        ("in order", UNSUPPORTED, &mut || device.cuMemAllocAsync(&mut 0, 8, stream)),
        ("copy", UNSUPPORTED, &mut || device.cuMemcpyDtoH_v2(pageable.as_mut_ptr(), memory, 8)),
        ("event", UNSUPPORTED, &mut || device.cuEventQuery(event)),
        ("isolation", ISOLATION, &mut || device.cuStreamWaitEvent(stream, event, 0)),
        ("captured event", CAPTURED_EVENT, &mut || {
            assert_eq!(device.cuStreamEndCapture(stream, &mut 0), 0);
            assert_eq!(device.cuStreamBeginCapture_v2(stream, RELAXED), 0);
            let event = device.event();
            assert_eq!(device.cuEventRecord(event, stream), 0);
            device.cuEventSynchronize(event)
        }),
    ];
    for (name, code, call) in calls {
        device.begin(stream);
        assert_eq!(call(), code, "{name}");
        assert_eq!(device.status(stream), 2, "{name}");
        assert_eq!(device.cuMemsetD8Async(memory, 0, 8, stream), INVALIDATED, "{name}");
        assert_eq!(device.end(stream), INVALIDATED, "{name}");
    }
    device.assert_clean();
}

#[test]
fn pageable_memory_is_not_captured() {
    let device = Device::open();
    let (stream, memory, bytes) = (device.stream(), device.alloc(8), [0; 8]);
    device.begin(stream);
    assert_eq!(device.cuMemcpyHtoDAsync_v2(memory, bytes.as_ptr(), 8, stream), UNSUPPORTED);
    assert_eq!(device.end(stream), 0);
}

#[test]
fn a_capture_may_forbid_the_calls_of_other_threads() {
    for (mode, expected) in [(GLOBAL, UNSUPPORTED), (THREAD_LOCAL, 0), (RELAXED, 0)] {
        let device = Device::open();
        let stream = device.stream();
        assert_eq!(device.cuStreamBeginCapture_v2(stream, mode), 0);
        let result = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                device.make_current(0);
                device.cuMemAlloc_v2(&mut 0, 8)
            });
            other.join().unwrap()
        });
        assert_eq!(result, expected);
        assert_eq!(device.end(stream), if expected == 0 { 0 } else { INVALIDATED });
    }
}

#[test]
fn captures_that_do_not_fit_together() {
    let device = Device::open();
    let (one, two, mut number) = (device.stream(), device.stream(), 0);
    assert_eq!(device.end(one), ILLEGAL_STATE);
    assert_eq!(device.cuStreamBeginCapture_v2(0, GLOBAL), UNSUPPORTED);
    device.begin(one);
    assert_eq!(device.cuStreamBeginCapture_v2(one, GLOBAL), ILLEGAL_STATE);
    device.order(one, two);
    assert_eq!(device.end(two), UNMATCHED);
    assert_eq!(device.end(one), INVALIDATED);
    device.begin(one);
    device.begin(two);
    let event = device.event();
    assert_eq!(device.cuEventRecord(event, one), 0);
    assert_eq!(device.cuStreamWaitEvent(two, event, 0), MERGE);
    let none = std::ptr::null_mut();
    let (status, known) = (&mut -1, &raw mut number);
    assert_eq!(device.cuStreamGetCaptureInfo_v2(two, status, known, none, none, none), 0);
    assert_eq!((*status, number), (2, 3));
    assert_eq!((device.end(one), device.end(two)), (INVALIDATED, INVALIDATED));
    device.begin(one);
    let elsewhere =
        std::thread::scope(|scope| scope.spawn(|| device.cuStreamEndCapture(one, &mut 0)).join());
    assert_eq!(elsewhere.unwrap(), WRONG_THREAD);
    assert_eq!(device.end(one), 0);
}

#[test]
fn the_null_stream_and_a_capture_in_a_blocking_one() {
    let device = Device::open();
    let (mut blocking, memory) = (0, device.alloc(8));
    assert_eq!(device.cuStreamCreate(&raw mut blocking, 0), 0);
    assert_eq!(device.cuStreamBeginCapture_v2(blocking, RELAXED), 0);
    assert_eq!(device.cuMemsetD8Async(memory, 0, 8, 0), IMPLICIT);
    assert_eq!(device.end(blocking), INVALIDATED);
    let apart = device.stream();
    assert_eq!(device.cuStreamBeginCapture_v2(apart, RELAXED), 0);
    assert_eq!(device.cuMemsetD8Async(memory, 0, 8, 0), 0);
    assert_eq!(device.end(apart), 0);
}
