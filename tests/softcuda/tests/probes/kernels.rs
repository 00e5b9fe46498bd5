//! Kernels: their arguments, their memory, and what the device says of those that err.

use std::ffi::CString;

use nereid_conformance::{ADD_PTX, Add, words};

use crate::device::{Device, INVALID_HANDLE, INVALID_IMAGE, INVALID_PTX, INVALID_VALUE};

#[test]
fn arguments_are_taken_at_the_call() {
    let device = Device::open_with(&[("run_when_awaited", 1)]);
    let add = Add::load(&device);
    let (from, to) = (device.upload(&words(&[1, 2, 3])), device.alloc(12));
    let stream = device.stream();
    assert_eq!(add.launch(from, to, 3, stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!(device.download(to, 12), words(&[12, 13, 14]));
    assert_eq!((device.count("launches"), device.count("h2d_bytes")), (1, 12));
    assert!(device.count("instructions") > 3 * 15);
    device.assert_clean();
}

#[test]
fn variables_are_memory_of_the_device() {
    let device = Device::open();
    let add = Add::load(&device);
    let (name, mut address, mut size) = (CString::new("bias").unwrap(), 0, 0);
    let result =
        device.cuModuleGetGlobal_v2(&raw mut address, &raw mut size, add.module, name.as_ptr());
    assert_eq!((result, size, device.download(address, 4)), (0, 4, words(&[1])));
    assert_eq!(device.cuMemcpyHtoD_v2(address, [100, 0, 0, 0].as_ptr(), 4), 0);
    let memory = device.upload(&words(&[1]));
    assert_eq!(add.launch(memory, memory, 1, 0), 0);
    assert_eq!(device.download(memory, 4), words(&[111]));
    assert_eq!(device.cuMemFree_v2(memory), 0);
    assert_eq!(device.leaks().len(), 1);
    assert_eq!(device.cuModuleUnload(add.module), 0);
    assert_eq!(device.leaks(), [""; 0]);
    assert_eq!(add.launch(memory, memory, 1, 0), INVALID_HANDLE);
    device.assert_clean();
}

/// A launch over `count` words of `sizes` bytes: the result of the wait, and what was told.
fn check(sizes: [usize; 2], is_written: bool, count: u32, code: i32, expected: &str) {
    let device = Device::open();
    let add = Add::load(&device);
    let from = if is_written { device.upload(&vec![0; sizes[0]]) } else { device.alloc(sizes[0]) };
    let to = device.alloc(sizes[1]);
    assert_eq!(add.launch(from, to, count, 0), 0);
    assert_eq!(device.cuCtxSynchronize(), code);
    if code == 0 {
        device.assert_clean();
        return;
    }
    device.assert_violation(expected);
    // The context is lost: every call says so.
    assert_eq!(add.launch(from, to, count, 0), code);
    assert_eq!(device.cuMemFree_v2(from), code);
}

#[test]
fn out_of_bounds() {
    check([16, 16], true, 4, 0, "");
    let read = "kernel add: out of bounds: 4 bytes at offset 16 of allocation #2 of 16 bytes \
                (PTX line 23, block [0, 0, 0], thread [4, 0, 0])";
    check([16, 64], true, 9, 700, read);
    let write = "kernel add: out of bounds: 4 bytes at offset 32 of allocation #3 of 32 bytes \
                 (PTX line 27, block [1, 0, 0], thread [0, 0, 0])";
    check([64, 32], true, 9, 700, write);
}

#[test]
fn uninitialised_read() {
    check([16, 16], false, 0, 0, "");
    check([16, 16], false, 1, 700, "uninitialised read: byte 0 of allocation #2");
}

#[test]
fn misaligned() {
    let device = Device::open();
    let add = Add::load(&device);
    let memory = device.upload(&[0; 16]);
    assert_eq!(add.launch(memory + 2, memory + 2, 1, 0), 0);
    assert_eq!(device.cuCtxSynchronize(), 716);
    device.assert_violation("kernel add: misaligned address");
}

#[test]
fn use_after_free() {
    let device = Device::open();
    let add = Add::load(&device);
    let (from, to) = (device.upload(&[0; 16]), device.alloc(16));
    let stream = device.stream();
    assert_eq!(add.launch(from, to, 4, stream), 0);
    assert_eq!(device.cuMemFreeAsync(from, stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    device.assert_clean();
    assert_eq!(add.launch(from, to, 4, stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 700);
    device.assert_violation("kernel add: use after free: allocation #2");
}

#[test]
fn races_of_kernels() {
    for is_ordered in [true, false] {
        let device = Device::open();
        let add = Add::load(&device);
        let (from, to) = (device.upload(&[0; 64]), device.upload(&[0; 64]));
        let (one, two) = (device.stream(), device.stream());
        assert_eq!(add.launch(from, to, 9, one), 0);
        if is_ordered {
            assert_eq!(device.cuStreamWaitEvent(two, device.recorded(one), 0), 0);
        }
        assert_eq!(add.launch(to, from, 3, two), 0);
        assert_eq!(device.cuCtxSynchronize(), 0);
        let violations = device.violations();
        let is_told = violations.iter().any(|text| {
            text.contains("race: add (stream") && text.contains("bytes 0..12: no event orders them")
        });
        assert_eq!((is_told, violations.is_empty()), (!is_ordered, is_ordered), "{violations:#?}");
    }
}

#[test]
fn memory_of_another_device() {
    let device = Device::open_with(&[("devices", 2)]);
    let add = Add::load(&device);
    let from = device.upload(&[0; 16]);
    device.make_current(1);
    let to = device.alloc(16);
    device.make_current(0);
    assert_eq!(device.cuMemcpyDtoDAsync_v2(to, from, 16, 0), 0); // A copy may.
    assert_eq!(device.cuCtxSynchronize(), 0);
    device.assert_clean();
    assert_eq!(add.launch(from, to, 4, 0), 0);
    assert_eq!(device.cuCtxSynchronize(), 700);
    device.assert_violation("memory of another device: allocation #3 of device 1");
    device.make_current(1);
    assert_eq!(device.download(to, 16), [0; 16]);
    assert_eq!(add.launch(from, to, 4, device.stream()), INVALID_HANDLE);
}

#[test]
fn a_kernel_without_end() {
    let device = Device::open();
    let add = Add::load(&device);
    assert_eq!(device.launch(add.named("stuck"), ([1; 3], [1; 3]), 0, &[]), 0);
    assert_eq!(device.cuCtxSynchronize(), 702);
    device.assert_violation("kernel stuck: a thread without end");
}

#[test]
fn sizes_that_a_device_has_not() {
    let device = Device::open();
    let add = Add::load(&device);
    let small = add.named("small");
    let shaped = |grid, block| device.launch(small, (grid, block), 0, &[]);
    assert_eq!(shaped([1, 1, 1], [64, 1, 1]), 0);
    assert_eq!(shaped([1, 65_535, 1], [1, 1, 1]), 0);
    for (grid, block) in [
        ([0, 1, 1], [1, 1, 1]),
        ([1, 65_536, 1], [1, 1, 1]),
        ([1, 1, 65_536], [1, 1, 1]),
        ([1, 1, 1], [0, 1, 1]),
        ([1, 1, 1], [65, 1, 1]), // More than the kernel allows.
        ([1, 1, 1], [1, 1, 65]),
    ] {
        assert_eq!(shaped(grid, block), INVALID_VALUE, "{grid:?} {block:?}");
    }
    let stuck = add.named("stuck");
    assert_eq!(device.launch(stuck, ([1; 3], [32, 33, 1]), 0, &[]), INVALID_VALUE);
    assert_eq!(device.cuCtxSynchronize(), 0);
    device.assert_clean();
}

#[test]
fn what_is_no_ptx_does_not_load() {
    let device = Device::open();
    let load = |source: &str| {
        let (source, mut module) = (CString::new(source).unwrap(), 0);
        device.cuModuleLoadData(&raw mut module, source.as_ptr())
    };
    assert_eq!(load("\u{7f}ELF"), INVALID_IMAGE);
    device.assert_clean();
    let unknown = ADD_PTX.replace("add.s32 %r7, %r7, %r8;", "add.sat.s32 %r7, %r7, %r8;");
    assert_eq!(load(&unknown), INVALID_PTX);
    device
        .assert_violation("PTX line 26: `add.sat.s32`: modifier or type `.sat` is not known here");
    assert_eq!(device.leaks(), [""; 0], "its variables are given back");
}

#[test]
fn what_does_not_load_is_told_in_the_log_too() {
    const ERROR_LOG_BUFFER: i32 = 5;
    const ERROR_LOG_SIZE_BYTES: i32 = 6;
    let device = Device::open();
    let load = |source: &str| {
        let (source, mut module, mut log) = (CString::new(source).unwrap(), 0, [b'?'; 12]);
        let (options, values) =
            ([ERROR_LOG_BUFFER, ERROR_LOG_SIZE_BYTES], [log.as_mut_ptr().addr(), log.len()]);
        let (options, values) = (options.as_ptr(), values.as_ptr());
        let code = device.cuModuleLoadDataEx(&raw mut module, source.as_ptr(), 2, options, values);
        (code, log)
    };
    assert_eq!(load(ADD_PTX), (0, *b"\0???????????"));
    let unknown = ADD_PTX.replace("add.s32 %r7, %r7, %r8;", "add.sat.s32 %r7, %r7, %r8;");
    assert_eq!(load(&unknown), (INVALID_PTX, *b"PTX line 26\0"));
    device.assert_violation("PTX line 26");
}

#[test]
fn launches_that_fail_on_demand() {
    let device = Device::open();
    let add = Add::load(&device);
    let memory = device.upload(&[0; 16]);
    device.set("fail_launch", 2);
    let launch = || add.launch(memory, memory, 4, 0);
    assert_eq!([launch(), launch(), launch()], [0, 701, 0]);
    assert_eq!(device.cuCtxSynchronize(), 0);
    device.set("fail_kernel", 1);
    assert_eq!(launch(), 0);
    assert_eq!(device.cuCtxSynchronize(), 719);
    assert_eq!(launch(), 719);
    device.assert_clean();
}
