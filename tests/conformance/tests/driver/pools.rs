//! Memory that is given out and taken back in a stream's order.

use nereid_conformance::{Add, Driver, words};
use nereid_softcuda_harness::AnyCuda;

fn allocated(driver: &Driver, size: usize, stream: usize) -> u64 {
    let mut address = 0;
    assert_eq!(driver.cuMemAllocAsync(&raw mut address, size, stream), 0);
    address
}

#[test]
fn memory_is_there_for_what_comes_behind_it() {
    AnyCuda::new().latest().run(|| {
        let driver = Driver::open();
        let add = Add::load(&driver);
        let (one, two) = (driver.stream(), driver.stream());
        let from = allocated(&driver, 12, one);
        assert_eq!(driver.cuMemsetD8Async(from, 0, 12, one), 0);
        driver.order(one, two);
        let to = allocated(&driver, 12, two);
        assert_eq!(add.launch(from, to, 3, two), 0);
        driver.order(two, one);
        assert_eq!(driver.cuMemFreeAsync(from, one), 0);
        driver.synchronize(two);
        assert_eq!(driver.download(to, 12), words(&[11; 3]));
        assert_eq!(driver.cuMemFreeAsync(to, two), 0);
        driver.synchronize(one);
        driver.synchronize(two);
    });
}

/// The next one may get the same bytes, and must not get at them before the last one is done.
#[test]
fn memory_is_taken_back_behind_what_uses_it() {
    AnyCuda::new().latest().run(|| {
        let driver = Driver::open();
        let add = Add::load(&driver);
        let (stream, result) = (driver.stream(), driver.alloc(40));
        for place in 0..10 {
            let memory = allocated(&driver, 4, stream);
            assert_eq!(driver.cuMemsetD8Async(memory, 0, 4, stream), 0);
            assert_eq!(driver.cuMemsetD8Async(memory, place, 1, stream), 0);
            assert_eq!(add.launch(memory, result + 4 * u64::from(place), 1, stream), 0);
            assert_eq!(driver.cuMemFreeAsync(memory, stream), 0);
        }
        driver.synchronize(stream);
        let expected: Vec<_> = (11..21).collect();
        assert_eq!(driver.download(result, 40), words(&expected));
        driver.free(result);
    });
}
