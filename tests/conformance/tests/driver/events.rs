//! Events, by which streams wait for each other.

use nereid_conformance::{
    Add, Driver,
    code::{INVALID_HANDLE, NOT_READY},
    words,
};
use nereid_softcuda_harness::AnyCuda;

use crate::gate::Gate;

/// `CU_EVENT_DISABLE_TIMING`.
const WITHOUT_TIME: u32 = 2;

#[test]
fn a_wait_takes_the_record_that_was_there() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (one, two) = (driver.stream(), driver.stream());
        let event = driver.recorded(one);
        assert_eq!(driver.cuStreamWaitEvent(two, event, 0), 0);
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, one);
        assert_eq!(driver.cuEventRecord(event, one), 0); // Too late for the wait above.
        driver.synchronize(two);
        assert_eq!(driver.cuStreamWaitEvent(two, event, 0), 0);
        assert_eq!(driver.cuStreamQuery(two), NOT_READY);
        drop(closed);
        driver.synchronize(two);
    });
}

#[test]
fn an_event_that_was_never_recorded_holds_nobody() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (stream, mut event, mut milliseconds) = (driver.stream(), 0, 0.0);
        assert_eq!(driver.cuEventCreate(&raw mut event, WITHOUT_TIME), 0);
        assert_eq!(driver.cuEventQuery(event), 0);
        assert_eq!(driver.cuEventSynchronize(event), 0);
        assert_eq!(driver.cuStreamWaitEvent(stream, event, 0), 0);
        driver.synchronize(stream);
        assert_eq!(driver.cuEventRecord(event, stream), 0);
        assert_eq!(driver.cuEventSynchronize(event), 0);
        let without_time = driver.cuEventElapsedTime(&raw mut milliseconds, event, event);
        assert_eq!(without_time, INVALID_HANDLE);
    });
}

#[test]
fn an_event_orders_two_streams_on_the_device() {
    AnyCuda::new().latest().run(|| {
        let driver = Driver::open();
        let add = Add::load(&driver);
        let (one, two) = (driver.stream(), driver.stream());
        let memory = driver.upload(&words(&[0, 1, 2]));
        for _ in 0..20 {
            assert_eq!(add.launch(memory, memory, 3, one), 0);
            driver.order(one, two);
            assert_eq!(add.launch(memory, memory, 3, two), 0);
            driver.order(two, one);
        }
        driver.synchronize(one);
        assert_eq!(driver.download(memory, 12), words(&[440, 441, 442]));
        driver.free(memory);
    });
}
