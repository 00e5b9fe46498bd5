//! Memory of a device that is not in a stream's order.

use nereid_conformance::{
    Driver,
    code::{INVALID_VALUE, OUT_OF_MEMORY},
};
use nereid_softcuda_harness::AnyCuda;

#[test]
fn memory_that_is_not_there_is_refused_and_nothing_else_is() {
    AnyCuda::new().run(|| {
        let (driver, mut free, mut total) = (Driver::open(), 0, 0);
        let mut address = 0;
        assert_eq!(driver.cuMemGetInfo_v2(&raw mut free, &raw mut total), 0);
        assert!(0 < free && free <= total);
        let stream = driver.stream();
        assert_eq!(driver.cuMemAlloc_v2(&raw mut address, 2 * total), OUT_OF_MEMORY);
        assert_eq!(driver.cuMemAllocAsync(&raw mut address, 2 * total, stream), OUT_OF_MEMORY);
        let memory = driver.upload(&[7; 8]);
        driver.synchronize(stream);
        assert_eq!(driver.download(memory, 8), [7; 8]);
        driver.free(memory);
    });
}

#[test]
fn memory_of_no_bytes_is_none() {
    AnyCuda::new().run(|| {
        let (driver, mut address) = (Driver::open(), 0);
        assert_eq!(driver.cuMemAlloc_v2(&raw mut address, 0), INVALID_VALUE);
    });
}

#[test]
fn memory_is_aligned_for_every_element() {
    AnyCuda::new().run(|| {
        let (driver, stream) = (Driver::open(), Driver::open().stream());
        for size in [1, 3, 255, 257, 4096] {
            let mut pooled = 0;
            assert_eq!(driver.cuMemAllocAsync(&raw mut pooled, size, stream), 0);
            let plain = driver.alloc(size);
            assert_eq!((pooled % 256, plain % 256), (0, 0), "{size}");
            driver.free(plain);
            assert_eq!(driver.cuMemFreeAsync(pooled, stream), 0);
        }
        driver.synchronize(stream);
    });
}
