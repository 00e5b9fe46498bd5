//! Streams that meet in the same bytes: with an event between them, and without.

use crate::device::Device;

/// Two streams with this between them.
fn check(work: impl Fn(&Device, usize, usize, &dyn Fn()), expected: &str) {
    for is_ordered in [true, false] {
        for delay_us in [0, 500] {
            let device = Device::open_with(&[("delay_us", delay_us)]);
            let (one, two) = (device.stream(), device.stream());
            let order = || {
                if is_ordered {
                    assert_eq!(device.cuStreamWaitEvent(two, device.recorded(one), 0), 0);
                }
            };
            work(&device, one, two, &order);
            assert_eq!(device.cuStreamSynchronize(two), 0);
            assert_eq!(device.cuStreamSynchronize(one), 0);
            let violations = device.violations();
            assert_eq!(violations.is_empty(), is_ordered, "{violations:#?}");
            assert!(violations.iter().all(|text| text.contains("race: ")), "{violations:#?}");
            let mut told = violations.iter();
            assert!(is_ordered || told.any(|text| text.contains(expected)), "{violations:#?}");
        }
    }
}

#[test]
fn write_and_read() {
    let work = |device: &Device, one, two, order: &dyn Fn()| {
        let (from, to) = (device.upload(&[1; 64]), device.upload(&[1; 64]));
        assert_eq!(device.cuMemsetD8Async(from + 60, 2, 4, one), 0);
        order();
        assert_eq!(device.cuMemcpyDtoDAsync_v2(to, from, 64, two), 0);
    };
    check(work, "bytes 60..64: no event orders them (allocation #1)");
}

#[test]
fn read_and_write() {
    let work = |device: &Device, one, two, order: &dyn Fn()| {
        let (from, to) = (device.upload(&[1; 64]), device.alloc(64));
        assert_eq!(device.cuMemcpyDtoDAsync_v2(to, from, 64, one), 0);
        order();
        assert_eq!(device.cuMemsetD8Async(from, 2, 4, two), 0);
    };
    check(work, "bytes 0..4: no event orders them (allocation #1)");
}

#[test]
fn allocation_in_order_and_use() {
    let work = |device: &Device, one, two, order: &dyn Fn()| {
        let mut memory = 0;
        assert_eq!(device.cuMemAllocAsync(&raw mut memory, 64, one), 0);
        order();
        assert_eq!(device.cuMemsetD8Async(memory, 2, 64, two), 0);
    };
    check(work, "memset (stream 2) and the write by cuMemAllocAsync (stream 1)");
}

#[test]
fn use_and_free_in_order() {
    for is_ordered in [true, false] {
        let device = Device::open();
        let (one, two) = (device.stream(), device.stream());
        let (memory, to) = (device.upload(&[1; 64]), device.alloc(64));
        assert_eq!(device.cuMemcpyDtoDAsync_v2(to, memory, 64, one), 0);
        if is_ordered {
            assert_eq!(device.cuStreamWaitEvent(two, device.recorded(one), 0), 0);
        }
        assert_eq!(device.cuMemFreeAsync(memory, two), 0);
        device.cuStreamSynchronize(two);
        device.cuStreamSynchronize(one);
        // Either the free comes too early, or only by chance not.
        assert_eq!(device.violations().is_empty(), is_ordered, "{:#?}", device.violations());
    }
}

#[test]
fn a_wait_of_the_host_orders_too() {
    let device = Device::open();
    let (one, two) = (device.stream(), device.stream());
    let memory = device.upload(&[1; 64]);
    assert_eq!(device.cuMemsetD8Async(memory, 2, 64, one), 0);
    assert_eq!(device.cuStreamSynchronize(one), 0);
    assert_eq!(device.cuMemsetD8Async(memory, 3, 64, two), 0);
    assert_eq!(device.cuStreamSynchronize(two), 0);
    device.assert_clean();
}

#[test]
fn bytes_that_do_not_meet_need_no_order() {
    let device = Device::open();
    let (one, two) = (device.stream(), device.stream());
    let memory = device.upload(&[1; 64]);
    assert_eq!(device.cuMemsetD8Async(memory, 2, 32, one), 0);
    assert_eq!(device.cuMemsetD8Async(memory + 32, 3, 32, two), 0);
    assert_eq!(device.cuCtxSynchronize(), 0);
    device.assert_clean();
}
