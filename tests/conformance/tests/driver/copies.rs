//! Copies, and what the host may do with its memory meanwhile.

use std::slice;

use nereid_conformance::{Driver, code::NOT_READY};
use nereid_softcuda_harness::AnyCuda;

use crate::gate::Gate;

/// The bytes of pinned memory. No copy runs meanwhile.
pub(crate) fn host<'a>(address: *mut u8, size: usize) -> &'a mut [u8] {
    // SAFETY: the tests give memory of that size, and hold one such slice at a time.
    unsafe { slice::from_raw_parts_mut(address, size) }
}

#[test]
fn bytes_travel() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let bytes: Vec<u8> = (0..=255).collect();
        let (stream, one, two) = (driver.stream(), driver.upload(&bytes), driver.alloc(256));
        assert_eq!(driver.cuMemcpyDtoDAsync_v2(two, one, 256, stream), 0);
        assert_eq!(driver.cuMemsetD8Async(two + 10, 7, 2, stream), 0);
        driver.synchronize(stream);
        let mut expected = bytes.clone();
        expected[10..12].fill(7);
        assert_eq!(driver.download(two, 256), expected);
        driver.free(one);
        driver.free(two);
    });
}

#[test]
fn pageable_memory_is_taken_at_the_call() {
    AnyCuda::new().latest().run(|| {
        let driver = Driver::open();
        let (stream, memory, mut bytes) = (driver.stream(), driver.alloc(16), vec![1; 16]);
        assert_eq!(driver.cuMemcpyHtoDAsync_v2(memory, bytes.as_ptr(), 16, stream), 0);
        bytes.fill(2);
        let mut back = vec![0; 16];
        assert_eq!(driver.cuMemcpyDtoHAsync_v2(back.as_mut_ptr(), memory, 16, stream), 0);
        assert_eq!(back, [1; 16]); // The call came back when the bytes were there.
        driver.free(memory);
    });
}

#[test]
fn copies_of_pinned_memory_do_not_hold_the_host() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (stream, memory) = (driver.stream(), driver.alloc(16));
        let (up, down) = (driver.pinned(16), driver.pinned(16));
        host(up, 16).fill(3);
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, stream);
        assert_eq!(driver.cuMemcpyHtoDAsync_v2(memory, up, 16, stream), 0);
        assert_eq!(driver.cuMemcpyDtoHAsync_v2(down, memory, 16, stream), 0);
        assert_eq!(driver.cuStreamQuery(stream), NOT_READY);
        drop(closed);
        driver.synchronize(stream);
        assert_eq!(host(down, 16), [3; 16]);
        driver.free_pinned(up);
        driver.free_pinned(down);
        driver.free(memory);
    });
}

#[test]
fn registered_memory_is_pinned() {
    AnyCuda::new().run(|| {
        const PAGE: usize = 4096;
        let (driver, gate) = (Driver::open(), Gate::default());
        let (stream, memory) = (driver.stream(), driver.upload(&[5; 16]));
        let mut bytes = vec![0_u8; 2 * PAGE];
        let page = bytes.as_mut_ptr().map_addr(|address| address.next_multiple_of(PAGE));
        assert_eq!(driver.cuMemHostRegister_v2(page, PAGE, 0), 0);
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, stream);
        assert_eq!(driver.cuMemcpyDtoHAsync_v2(page, memory, 16, stream), 0);
        assert_eq!(driver.cuStreamQuery(stream), NOT_READY);
        drop(closed);
        driver.synchronize(stream);
        assert_eq!(host(page, 16), [5; 16]);
        assert_eq!(driver.cuMemHostUnregister(page), 0);
        driver.free(memory);
    });
}
