//! Pools of memory in a stream's order: what they reserve, use, keep, and who has to destroy them.

use std::ffi::c_void;

use crate::device::{Device, INVALID_HANDLE, INVALID_VALUE, OUT_OF_MEMORY};

const RELEASE_THRESHOLD: i32 = 4;
const RESERVED: i32 = 5;
const RESERVED_HIGH: i32 = 6;
const USED: i32 = 7;
const USED_HIGH: i32 = 8;

/// `CUmemPoolProps`.
#[repr(C)]
struct Properties {
    allocation: i32,
    handles: i32,
    location: [i32; 2],
    security: usize,
    bytes_max: usize,
    rest: [u8; 56],
}

impl Properties {
    fn of(device: i32, bytes_max: usize) -> Self {
        let location = [1, device];
        Self { allocation: 1, handles: 0, location, security: 0, bytes_max, rest: [0; 56] }
    }
}

impl Device {
    fn pool(&self, bytes_max: usize) -> usize {
        let (mut pool, properties) = (0, Properties::of(0, bytes_max));
        assert_eq!(self.cuMemPoolCreate(&raw mut pool, (&raw const properties).cast()), 0);
        pool
    }

    fn default_pool(&self) -> usize {
        let mut pool = 0;
        assert_eq!(self.cuDeviceGetDefaultMemPool(&raw mut pool, 0), 0);
        pool
    }

    fn attribute(&self, pool: usize, attribute: i32) -> u64 {
        let mut value = 0_u64;
        assert_eq!(self.cuMemPoolGetAttribute(pool, attribute, (&raw mut value).cast()), 0);
        value
    }

    fn set_attribute(&self, pool: usize, attribute: i32, mut value: u64) -> i32 {
        let value: *mut c_void = (&raw mut value).cast();
        self.cuMemPoolSetAttribute(pool, attribute, value)
    }

    fn alloc_from(&self, pool: usize, size: usize, stream: usize) -> u64 {
        let mut address = 0;
        assert_eq!(self.cuMemAllocFromPoolAsync(&raw mut address, size, pool, stream), 0);
        address
    }

    fn free_bytes(&self) -> usize {
        let (mut free, mut total) = (0, 0);
        assert_eq!(self.cuMemGetInfo_v2(&raw mut free, &raw mut total), 0);
        free
    }
}

#[test]
fn a_wait_leaves_what_the_threshold_says() {
    let device = Device::open_with(&[("memory_bytes", 1000)]);
    let (pool, stream) = (device.pool(0), device.stream());
    let of = |attribute| device.attribute(pool, attribute);
    assert_eq!(device.set_attribute(pool, RELEASE_THRESHOLD, 100), 0);
    let memory = device.alloc_from(pool, 300, stream);
    let other = device.alloc_from(pool, 50, stream);
    assert_eq!([of(RESERVED), of(USED), device.free_bytes() as u64], [350, 350, 650]);
    assert_eq!(device.cuMemFreeAsync(memory, stream), 0);
    while device.cuStreamQuery(stream) != 0 {} // Asking is no waiting.
    assert_eq!(of(RESERVED), 350);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!([of(RESERVED), of(USED), device.free_bytes() as u64], [100, 50, 900]);
    assert_eq!([of(RESERVED_HIGH), of(USED_HIGH)], [350, 350]);
    assert_eq!(device.set_attribute(pool, USED_HIGH, 0), 0);
    assert_eq!([of(RESERVED_HIGH), of(USED_HIGH)], [350, 50]);
    assert_eq!(device.cuMemPoolTrimTo(pool, 0), 0);
    assert_eq!(of(RESERVED), 50);
    assert_eq!(device.cuMemFreeAsync(other, stream), 0);
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!(device.cuMemPoolDestroy(pool), 0);
    assert_eq!((device.leaks().len(), device.free_bytes()), (0, 1000));
    device.assert_clean();
}

#[test]
fn what_pools_keep_is_given_up_before_memory_runs_out() {
    let device = Device::open_with(&[("memory_bytes", 1000)]);
    let pool = device.default_pool();
    assert_eq!(device.set_attribute(pool, RELEASE_THRESHOLD, u64::MAX), 0);
    let mut address = 0;
    assert_eq!(device.cuMemAllocAsync(&raw mut address, 600, 0), 0);
    assert_eq!(device.cuMemFreeAsync(address, 0), 0);
    assert_eq!(device.cuStreamSynchronize(0), 0);
    assert_eq!(device.attribute(pool, RESERVED), 600);
    device.alloc(900);
    assert_eq!(device.attribute(pool, RESERVED), 0);
    assert_eq!(device.cuMemAllocAsync(&raw mut address, 101, 0), OUT_OF_MEMORY);
    device.assert_clean();
}

#[test]
fn a_pool_has_a_limit_of_its_own() {
    let device = Device::open();
    let (pool, mut address) = (device.pool(100), 0);
    device.alloc_from(pool, 60, 0);
    assert_eq!(device.cuMemAllocFromPoolAsync(&raw mut address, 41, pool, 0), OUT_OF_MEMORY);
    device.alloc_from(pool, 40, 0);
}

#[test]
fn pools_that_are_not_destroyed_leak() {
    let device = Device::open();
    let pool = device.pool(0);
    let memory = device.alloc_from(pool, 8, 0);
    assert_eq!(
        device.leaks(),
        ["allocation #1 of 8 bytes", "memory pool #1 of device 0, 8 bytes in use"]
    );
    // Memory that is out outlives its pool.
    assert_eq!(device.cuMemPoolDestroy(pool), 0);
    assert_eq!(device.leaks(), ["allocation #1 of 8 bytes"]);
    assert_eq!(device.cuMemsetD8Async(memory, 1, 8, 0), 0);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    assert_eq!(device.leaks(), [""; 0]);
    assert_eq!(device.cuMemPoolDestroy(pool), INVALID_HANDLE);
    device.assert_clean();
}

#[test]
fn the_device_has_a_pool_and_may_be_given_another() {
    let device = Device::open_with(&[("devices", 2)]);
    let (own, pool, mut current) = (device.default_pool(), device.pool(0), 0);
    assert_eq!(device.cuMemPoolDestroy(own), INVALID_VALUE);
    assert_eq!(device.cuDeviceGetMemPool(&raw mut current, 0), 0);
    assert_eq!(current, own);
    assert_eq!(device.cuDeviceSetMemPool(1, pool), INVALID_VALUE);
    assert_eq!(device.cuDeviceSetMemPool(0, pool), 0);
    let mut address = 0;
    assert_eq!(device.cuMemAllocAsync(&raw mut address, 8, 0), 0);
    assert_eq!([device.attribute(pool, USED), device.attribute(own, USED)], [8, 0]);
    let mut found = 0_usize;
    assert_eq!(device.cuPointerGetAttribute((&raw mut found).cast(), 17, address), 0);
    assert_eq!(found, pool);
    assert_eq!(device.cuMemPoolDestroy(pool), 0);
    assert_eq!(device.cuDeviceGetMemPool(&raw mut current, 0), 0);
    assert_eq!(current, own);
}

#[test]
fn properties_and_attributes_that_a_pool_has_not() {
    let device = Device::open();
    let create = |properties: Properties| {
        let mut pool = 0;
        device.cuMemPoolCreate(&raw mut pool, (&raw const properties).cast())
    };
    assert_eq!(create(Properties { allocation: 0, ..Properties::of(0, 0) }), INVALID_VALUE);
    assert_eq!(create(Properties { location: [2, 0], ..Properties::of(0, 0) }), INVALID_VALUE);
    assert_eq!(create(Properties { handles: 1, ..Properties::of(0, 0) }), 801);
    assert_eq!(create(Properties::of(1, 0)), 101);
    let pool = device.pool(0);
    assert_eq!(device.set_attribute(pool, USED, 0), INVALID_VALUE);
    assert_eq!(device.set_attribute(pool, USED_HIGH, 5), INVALID_VALUE);
    assert_eq!(device.set_attribute(pool, 9, 5), INVALID_VALUE);
    assert_eq!(device.attribute(pool, 2), 1);
    assert_eq!(device.set_attribute(pool, 2, 0), 0);
    assert_eq!(device.attribute(pool, 2), 0);
}
