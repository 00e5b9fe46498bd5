//! Errors that end a context.

use nereid_conformance::{Add, Driver, code::ILLEGAL_ADDRESS, words};
use nereid_softcuda_harness::AnyCuda;

/// No allocation is there.
const NOWHERE: u64 = 0x100;

#[test]
fn an_error_of_a_kernel_is_told_by_every_later_call() {
    AnyCuda::new().errs("kernel add").run(|| {
        let driver = Driver::open();
        let (add, stream) = (Add::load(&driver), driver.stream());
        let (memory, mut address) = (driver.upload(&words(&[1; 4])), 0);
        let event = driver.recorded(stream);
        assert_eq!(add.launch(memory, NOWHERE, 4, stream), 0); // The launch cannot know.
        assert_eq!(driver.cuStreamSynchronize(stream), ILLEGAL_ADDRESS);
        assert_eq!(driver.cuStreamSynchronize(stream), ILLEGAL_ADDRESS);
        assert_eq!(driver.cuMemAlloc_v2(&raw mut address, 8), ILLEGAL_ADDRESS);
        assert_eq!(driver.cuMemsetD8Async(memory, 0, 4, stream), ILLEGAL_ADDRESS);
        assert_eq!(driver.cuEventRecord(event, stream), ILLEGAL_ADDRESS);
        assert_eq!(add.launch(memory, memory, 4, stream), ILLEGAL_ADDRESS);
        assert_eq!(driver.cuCtxSynchronize(), ILLEGAL_ADDRESS);
    });
}

#[test]
fn an_error_of_one_device_is_not_told_by_another() {
    AnyCuda::new().devices(2).errs("kernel add").run(|| {
        let driver = Driver::open();
        let add = Add::load(&driver);
        let memory = driver.upload(&words(&[1; 4]));
        assert_eq!(add.launch(memory, NOWHERE, 4, 0), 0);
        assert_eq!(driver.cuCtxSynchronize(), ILLEGAL_ADDRESS);
        driver.make_current(1);
        let other = driver.upload(&[6; 8]);
        assert_eq!(driver.download(other, 8), [6; 8]);
        driver.free(other);
    });
}
