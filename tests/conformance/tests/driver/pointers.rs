//! What a driver knows of an address.

use nereid_conformance::{Driver, code::INVALID_VALUE};
use nereid_softcuda_harness::AnyCuda;

/// `CUpointer_attribute`.
const MEMORY_TYPE: i32 = 2;
const DEVICE_ORDINAL: i32 = 9;
const RANGE_START: i32 = 11;

/// `CUmemorytype`.
const HOST: u64 = 1;
const DEVICE: u64 = 2;

#[test]
fn an_address_tells_whose_it_is() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (memory, pinned, pageable) = (driver.alloc(512), driver.pinned(8), 0_u64);
        let attribute = |number, address| {
            let mut value = 0_u64;
            (driver.cuPointerGetAttribute((&raw mut value).cast(), number, address), value)
        };
        assert_eq!(attribute(MEMORY_TYPE, memory), (0, DEVICE));
        assert_eq!(attribute(DEVICE_ORDINAL, memory + 3), (0, 0));
        assert_eq!(attribute(RANGE_START, memory + 3), (0, memory));
        assert_eq!(attribute(MEMORY_TYPE, pinned as u64), (0, HOST));
        assert_eq!(attribute(MEMORY_TYPE, (&raw const pageable) as u64), (INVALID_VALUE, 0));
        driver.free(memory);
        driver.free_pinned(pinned);
    });
}

#[test]
fn several_attributes_of_an_address_at_once() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (memory, pageable) = (driver.alloc(512), 0_u64);
        let told = |address| {
            let (mut kind, mut start) = (9_u32, 9_u64);
            let attributes = [MEMORY_TYPE, RANGE_START];
            let values = [(&raw mut kind).cast(), (&raw mut start).cast()];
            let (attributes, values) = (attributes.as_ptr(), values.as_ptr());
            let result = driver.cuPointerGetAttributes(2, attributes, values, address);
            (result, kind, start)
        };
        assert_eq!(told(memory + 5), (0, 2, memory));
        assert_eq!(told((&raw const pageable) as u64), (0, 0, 0)); // Unknown, and no error.
        driver.free(memory);
    });
}
