//! Several devices: copies between them, and kernels that reach another one's memory.

use std::ffi::c_void;

use nereid_conformance::Add;

use crate::device::{Device, INVALID_VALUE};

fn two_devices() -> Device {
    Device::open_with(&[("devices", 2)])
}

/// A kernel of device 0 that reads memory of device 1: what the wait gives.
fn read_peer(device: &Device, from: u64) -> i32 {
    device.make_current(0);
    let add = Add::load(device);
    let to = device.alloc(16);
    assert_eq!(add.launch(from, to, 4, 0), 0);
    device.cuCtxSynchronize()
}

#[test]
fn a_kernel_reaches_another_device_if_it_may() {
    let device = two_devices();
    device.make_current(1);
    let from = device.upload(&[0; 64]);
    device.make_current(0);
    assert_eq!(device.cuCtxEnablePeerAccess(device.context(1), 0), 0);
    assert_eq!(read_peer(&device, from), 0);
    assert_eq!(device.count("peer_touched_bytes"), 16);
    assert_eq!((device.count("peer_calls"), device.count("d2d_calls")), (0, 0));
    device.assert_clean();
    assert_eq!(device.cuCtxDisablePeerAccess(device.context(1)), 0);
    assert_eq!(read_peer(&device, from), 700);
    device.assert_violation("memory of another device");
}

#[test]
fn access_has_a_direction() {
    let device = two_devices();
    device.make_current(1);
    let from = device.upload(&[0; 16]);
    assert_eq!(device.cuCtxEnablePeerAccess(device.context(0), 0), 0);
    assert_eq!(read_peer(&device, from), 700);
    device.assert_violation("memory of another device");
}

#[test]
fn access_that_cannot_be_given() {
    let device = two_devices();
    let (zero, one, mut can) = (device.context(0), device.context(1), 7);
    assert_eq!(device.cuCtxDisablePeerAccess(one), 705);
    assert_eq!(device.cuCtxEnablePeerAccess(one, 0), 0);
    assert_eq!(device.cuCtxEnablePeerAccess(one, 0), 704);
    assert_eq!(device.cuCtxEnablePeerAccess(one, 1), INVALID_VALUE);
    assert_eq!(device.cuCtxEnablePeerAccess(zero, 0), 201);
    assert_eq!(device.cuCtxEnablePeerAccess(5, 0), 201);
    assert_eq!(device.cuDeviceCanAccessPeer(&raw mut can, 0, 1), 0);
    assert_eq!(can, 1);
    assert_eq!(device.cuDeviceCanAccessPeer(&raw mut can, 1, 1), 0);
    assert_eq!(can, 0);
    let apart = Device::open_with(&[("devices", 2), ("peer_access", 0)]);
    assert_eq!(apart.cuDeviceCanAccessPeer(&raw mut can, 0, 1), 0);
    assert_eq!(can, 0);
    assert_eq!(apart.cuCtxEnablePeerAccess(apart.context(1), 0), 217);
}

#[test]
fn copies_between_devices_are_counted_apart() {
    let device = two_devices();
    let from = device.upload(&[5; 32]);
    device.make_current(1);
    let to = device.alloc(32);
    let (zero, one, stream) = (device.context(0), device.context(1), device.stream());
    assert_eq!(device.cuMemcpyPeerAsync(to, one, from, zero, 16, stream), 0);
    assert_eq!(device.cuMemcpyDtoDAsync_v2(to + 16, from, 16, stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!(device.download(to, 32), [5; 32]);
    let counts = ["peer_calls", "peer_bytes", "d2d_calls", "d2d_bytes"];
    assert_eq!(counts.map(|name| device.count(name)), [2, 32, 0, 0]);
    device.assert_clean();
    assert_eq!(device.cuMemcpyPeerAsync(to, one, from, one, 16, stream), INVALID_VALUE);
    device.assert_violation("allocation #1 of device 0 is given as device 1's");
}

#[test]
fn streams_of_two_devices_race_as_those_of_one() {
    for is_ordered in [true, false] {
        let device = two_devices();
        let (one, from) = (device.stream(), device.upload(&[5; 32]));
        device.make_current(1);
        let (two, to) = (device.stream(), device.alloc(32));
        assert_eq!(device.cuMemsetD8Async(from, 1, 32, one), 0);
        if is_ordered {
            device.make_current(0);
            assert_eq!(device.cuStreamWaitEvent(two, device.recorded(one), 0), 0);
        }
        assert_eq!(device.cuMemcpyDtoDAsync_v2(to, from, 32, two), 0);
        assert_eq!((device.cuStreamSynchronize(two), device.cuStreamSynchronize(one)), (0, 0));
        assert_eq!(device.violations().is_empty(), is_ordered, "{:#?}", device.violations());
    }
}

#[test]
fn memory_of_a_pool_is_opened_by_the_pool() {
    for is_open in [true, false] {
        let device = two_devices();
        assert_eq!(device.cuCtxEnablePeerAccess(device.context(1), 0), 0);
        device.make_current(1);
        let (mut pool, mut from, mut flags) = (0, 0, 9);
        assert_eq!(device.cuDeviceGetDefaultMemPool(&raw mut pool, 1), 0);
        assert_eq!(device.cuMemAllocFromPoolAsync(&raw mut from, 16, pool, 0), 0);
        assert_eq!(device.cuMemsetD8Async(from, 0, 16, 0), 0);
        assert_eq!(device.cuCtxSynchronize(), 0);
        let location: [i32; 2] = [1, 0];
        let access: [i32; 3] = [1, 0, 3];
        if is_open {
            let access: *const c_void = (&raw const access).cast();
            assert_eq!(device.cuMemPoolSetAccess(pool, access, 1), 0);
        }
        let location: *const c_void = (&raw const location).cast();
        assert_eq!(device.cuMemPoolGetAccess(&raw mut flags, pool, location), 0);
        assert_eq!(flags, if is_open { 3 } else { 0 });
        assert_eq!(read_peer(&device, from), if is_open { 0 } else { 700 });
        assert_eq!(device.violations().is_empty(), is_open);
    }
}
