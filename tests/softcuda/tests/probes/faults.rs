//! Faults on demand, and that they stay where they are.

use crate::device::{Device, OUT_OF_MEMORY};

const ECC_UNCORRECTABLE: i32 = 214;

#[test]
fn the_nth_allocation_fails_once() {
    let device = Device::open();
    device.set("fail_allocation", 3);
    let mut address = 0;
    let results = [(); 5].map(|()| device.cuMemAllocAsync(&raw mut address, 8, 0));
    assert_eq!(results, [0, 0, OUT_OF_MEMORY, 0, 0]);
    assert_eq!(device.leaks().len(), 4);
    device.set("fail_allocation", 2);
    let mut pinned = std::ptr::null_mut();
    let results = [(); 3].map(|()| device.cuMemHostAlloc(&raw mut pinned, 8, 0));
    assert_eq!(results, [0, OUT_OF_MEMORY, 0]);
    device.assert_clean();
}

#[test]
fn a_device_that_is_lost_stays_so_and_no_other_is() {
    let device = Device::open_with(&[("devices", 2)]);
    let (stream, memory, mut address) = (device.stream(), device.upload(&[1; 8]), 0);
    device.pinned(8);
    assert_eq!(device.softcuda_lose_device(0), 0);
    assert_eq!(device.cuStreamSynchronize(stream), ECC_UNCORRECTABLE);
    assert_eq!(device.cuMemAlloc_v2(&raw mut address, 8), ECC_UNCORRECTABLE);
    assert_eq!(device.cuMemsetD8Async(memory, 0, 8, stream), ECC_UNCORRECTABLE);
    assert_eq!(device.cuMemFree_v2(memory), ECC_UNCORRECTABLE);
    assert_eq!(device.cuCtxSynchronize(), ECC_UNCORRECTABLE);
    assert_eq!(device.leaks(), [""; 0], "nobody can free what is lost");
    device.make_current(1);
    let memory = device.upload(&[1; 8]);
    assert_eq!(device.download(memory, 8), [1; 8]);
    device.assert_clean();
}
