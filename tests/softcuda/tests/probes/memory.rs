//! Memory: bounds, frees, bytes that were never written, leaks, pointers of the other side.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::device::{Device, INVALID_VALUE, OUT_OF_MEMORY};

#[test]
fn bytes_travel_and_are_counted() {
    let device = Device::open();
    let bytes: Vec<u8> = (0..=255).collect();
    let (one, two) = (device.upload(&bytes), device.alloc(256));
    assert_eq!(device.cuMemcpyDtoDAsync_v2(two, one, 256, 0), 0);
    assert_eq!(device.cuMemsetD8Async(two + 10, 7, 2, 0), 0);
    let back = device.download(two, 255);
    assert_eq!(
        (&back[..10], &back[10..12], &back[12..]),
        (&bytes[..10], &[7, 7][..], &bytes[12..255])
    );
    let counts = ["h2d_bytes", "d2d_bytes", "d2h_bytes", "h2d_calls", "memsets", "allocations"];
    assert_eq!(counts.map(|name| device.count(name)), [256, 256, 255, 1, 1, 2]);
    device.assert_clean();
}

#[test]
fn leaks_are_told_until_freed() {
    let device = Device::open();
    let (memory, pinned) = (device.alloc(10), device.pinned(20));
    assert_eq!(device.leaks(), ["allocation #1 of 10 bytes", "pinned memory of 20 bytes"]);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    assert_eq!(device.cuMemFreeHost(pinned), 0);
    assert_eq!(device.leaks(), [""; 0]);
    assert_eq!(device.cuMemFree_v2(0), 0);
    device.assert_clean();
}

#[test]
fn copy_out_of_bounds() {
    let device = Device::open();
    let (memory, bytes) = (device.alloc(64), [0; 65]);
    assert_eq!(device.cuMemcpyHtoD_v2(memory, bytes.as_ptr(), 64), 0);
    device.assert_clean();
    assert_eq!(device.cuMemcpyHtoD_v2(memory + 1, bytes.as_ptr(), 64), INVALID_VALUE);
    device
        .assert_violation("copy H2D: 64 bytes at offset 1 run over the end of allocation #1 of 64");
}

#[test]
fn fill_out_of_bounds() {
    let device = Device::open();
    let memory = device.alloc(64);
    assert_eq!(device.cuMemsetD8Async(memory, 0, 64, 0), 0);
    device.assert_clean();
    assert_eq!(device.cuMemsetD8Async(memory, 0, 65, 0), INVALID_VALUE);
    device.assert_violation("memset: 65 bytes at offset 0 run over the end");
}

#[test]
fn copy_of_what_was_never_written() {
    let device = Device::open();
    let (memory, mut bytes) = (device.alloc(8), [0; 8]);
    assert_eq!(device.cuMemcpyHtoD_v2(memory, bytes.as_ptr(), 7), 0);
    assert_eq!(device.cuMemcpyDtoH_v2(bytes.as_mut_ptr(), memory, 7), 0);
    device.assert_clean();
    assert_eq!(device.cuMemcpyDtoH_v2(bytes.as_mut_ptr(), memory, 8), 0);
    device.assert_violation("uninitialised read of byte 7 of allocation #1");
}

#[test]
fn what_was_never_written_is_so_after_a_copy_on_the_device() {
    let device = Device::open();
    let (one, two, mut bytes) = (device.alloc(4), device.upload(&[1; 4]), [0; 4]);
    assert_eq!(device.cuMemcpyDtoDAsync_v2(two, one, 2, 0), 0);
    device.assert_clean();
    assert_eq!(device.cuMemcpyDtoH_v2(bytes.as_mut_ptr(), two, 4), 0);
    device.assert_violation("uninitialised read of byte 0 of allocation #2");
}

#[test]
fn copy_after_free() {
    let device = Device::open();
    let memory = device.upload(&[1; 8]);
    device.download(memory, 8);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    device.assert_clean();
    assert_ne!(device.alloc(8), memory, "an address is given out once");
    assert_eq!(device.cuMemcpyDtoH_v2([0; 8].as_mut_ptr(), memory, 8), INVALID_VALUE);
    device.assert_violation("copy D2H: use of allocation #1 after it was freed");
}

#[test]
fn free_twice() {
    let device = Device::open();
    let memory = device.alloc(8);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    device.assert_clean();
    assert_eq!(device.cuMemFree_v2(memory), INVALID_VALUE);
    device.assert_violation("allocation #1 is freed twice");
}

#[test]
fn free_of_what_is_no_start() {
    let device = Device::open();
    let memory = device.alloc(8);
    assert_eq!(device.cuMemFree_v2(memory + 4), INVALID_VALUE);
    device.assert_violation("no allocation begins at");
}

#[test]
fn address_of_the_device_given_as_the_hosts() {
    let device = Device::open();
    let (one, two) = (device.upload(&[1; 8]), device.alloc(8));
    assert_eq!(device.cuMemcpyDtoDAsync_v2(two, one, 8, 0), 0);
    device.assert_clean();
    assert_eq!(device.cuMemcpyHtoD_v2(two, one as *const u8, 8), INVALID_VALUE);
    device.assert_violation("of the device is given as the host's");
}

#[test]
fn address_of_the_host_given_as_the_devices() {
    let device = Device::open();
    let bytes = [0_u8; 8];
    let address = bytes.as_ptr() as u64;
    assert_eq!(device.cuMemcpyHtoD_v2(address, bytes.as_ptr(), 8), INVALID_VALUE);
    device.assert_violation("is no address of a device");
}

#[test]
fn memory_has_an_end_and_comes_back() {
    let device = Device::open_with(&[("memory_bytes", 1000)]);
    let (mut free, mut total, mut address) = (0, 0, 0);
    let memory = device.alloc(600);
    assert_eq!(device.cuMemGetInfo_v2(&raw mut free, &raw mut total), 0);
    assert_eq!((free, total), (400, 1000));
    assert_eq!(device.cuMemAlloc_v2(&raw mut address, 401), OUT_OF_MEMORY);
    assert_eq!(device.cuMemAlloc_v2(&raw mut address, 0), INVALID_VALUE);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    device.alloc(1000);
    device.assert_clean();
}

#[test]
fn pointers_tell_what_they_are() {
    let device = Device::open_with(&[("devices", 2)]);
    device.make_current(1);
    let (memory, mut value) = (device.alloc(24), 0_u64);
    let mut attribute = |number, address| {
        value = 0;
        let result = device.cuPointerGetAttribute((&raw mut value).cast(), number, address);
        (result, value)
    };
    assert_eq!(attribute(2, memory), (0, 2));
    assert_eq!(attribute(9, memory + 3), (0, 1));
    assert_eq!(attribute(11, memory + 3), (0, memory));
    assert_eq!(attribute(12, memory + 3), (0, 24));
    assert_eq!(attribute(2, device.pinned(8) as u64), (0, 1));
    assert_eq!(attribute(2, (&raw const device) as u64), (INVALID_VALUE, 0));
}

/// Run by the test below, in a process of its own.
#[test]
#[ignore = "it dies"]
fn child_that_follows_a_pointer_of_the_device() {
    let device = Device::open();
    let memory = device.upload(&[1; 8]);
    // SAFETY: none; the process dies here, and that is the test.
    let byte = unsafe { (memory as *const u8).read_volatile() };
    println!("read {byte}");
}

#[test]
fn host_that_follows_a_pointer_of_the_device() {
    let name = "memory::child_that_follows_a_pointer_of_the_device";
    let exe = std::env::current_exe().unwrap();
    let run =
        Command::new(exe).args(["--exact", name, "--ignored", "--nocapture"]).output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(told.contains("the host followed a pointer of the device"), "{told}");
    assert_eq!(run.status.signal(), Some(11), "{told}");
}
