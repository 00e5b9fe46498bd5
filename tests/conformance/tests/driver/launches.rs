//! Launches of kernels.

use nereid_conformance::{
    Add, Driver,
    code::{INVALID_VALUE, NOT_READY},
    words,
};
use nereid_softcuda_harness::AnyCuda;

use crate::gate::Gate;

#[test]
fn arguments_are_taken_at_the_call() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (add, stream) = (Add::load(&driver), driver.stream());
        let (from, to) = (driver.upload(&words(&[1, 2, 3])), driver.upload(&words(&[0; 3])));
        assert_eq!(add.launch(from, to, 0, stream), 0); // The first one may wait for the device.
        driver.synchronize(stream);
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, stream);
        assert_eq!(add.launch(from, to, 3, stream), 0);
        assert_eq!(driver.cuStreamQuery(stream), NOT_READY);
        drop(closed);
        driver.synchronize(stream);
        assert_eq!(driver.download(to, 12), words(&[12, 13, 14]));
        driver.free(from);
        driver.free(to);
    });
}

#[test]
fn sizes_that_no_device_has_are_refused_alone() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let add = Add::load(&driver);
        let small = add.named("small");
        let shaped = |grid, block| driver.launch(small, (grid, block), 0, &[]);
        for (grid, block) in [
            ([0, 1, 1], [1, 1, 1]),
            ([1, 65_536, 1], [1, 1, 1]),
            ([1, 1, 65_536], [1, 1, 1]),
            ([1, 1, 1], [0, 1, 1]),
            ([1, 1, 1], [1, 1, 65]),
        ] {
            assert_eq!(shaped(grid, block), INVALID_VALUE, "{grid:?} {block:?}");
        }
        assert_eq!(shaped([1, 1, 1], [64, 1, 1]), 0);
        assert_eq!(shaped([1, 65_535, 1], [1, 1, 1]), 0);
        assert_eq!(driver.cuCtxSynchronize(), 0);
    });
}
