//! Contexts, of which each thread has its own.

use nereid_conformance::{Driver, code::INVALID_CONTEXT};
use nereid_softcuda_harness::AnyCuda;

#[test]
fn a_thread_has_no_context_until_it_takes_one() {
    AnyCuda::new().run(|| {
        let (driver, mut address) = (Driver::open(), 0);
        let address = &mut address;
        let other = std::thread::spawn(move || {
            let mut none = 0;
            let before = driver.cuMemAlloc_v2(&raw mut none, 8);
            driver.make_current(0);
            (before, driver.alloc(8))
        });
        let (before, theirs) = other.join().unwrap();
        *address = theirs;
        assert_eq!(before, INVALID_CONTEXT);
        driver.free(*address); // The context is the same.
    });
}

#[test]
fn the_primary_context_is_one() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        assert_eq!(driver.context(0), driver.context(0));
    });
}

#[test]
fn contexts_are_pushed_and_popped() {
    AnyCuda::new().devices(2).run(|| {
        let driver = Driver::open();
        let (zero, one) = (driver.context(0), driver.context(1));
        let mut current = 0;
        assert_eq!(driver.cuCtxPushCurrent_v2(one), 0);
        assert_eq!(driver.cuCtxPopCurrent_v2(&raw mut current), 0);
        assert_eq!(current, one);
        assert_eq!(driver.cuCtxGetCurrent(&raw mut current), 0);
        assert_eq!(current, zero);
    });
}
