//! Streams: what is in order, what is not, and what the host sees of it.

use nereid_conformance::{Driver, code::NOT_READY};
use nereid_softcuda_harness::AnyCuda;

use crate::gate::Gate;

#[test]
fn a_stream_goes_on_without_the_host_and_tells_when_it_is_done() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (stream, closed) = (driver.stream(), gate.0.lock().unwrap());
        let start = driver.recorded(stream);
        gate.stop(&driver, stream);
        let end = driver.recorded(stream);
        assert_eq!(driver.cuEventSynchronize(start), 0);
        assert_eq!(driver.cuStreamQuery(stream), NOT_READY);
        assert_eq!(driver.cuEventQuery(end), NOT_READY);
        let mut milliseconds = -1.0;
        assert_eq!(driver.cuEventElapsedTime(&raw mut milliseconds, start, end), NOT_READY);
        drop(closed);
        assert_eq!(driver.cuEventSynchronize(end), 0);
        assert_eq!(driver.cuEventQuery(end), 0);
        assert_eq!(driver.cuStreamQuery(stream), 0);
        assert_eq!(driver.cuEventElapsedTime(&raw mut milliseconds, start, end), 0);
        assert!(milliseconds >= 0.0);
    });
}

#[test]
fn the_null_stream_is_in_order_with_blocking_streams_alone() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (mut blocking, apart) = (0, driver.stream());
        assert_eq!(driver.cuStreamCreate(&raw mut blocking, 0), 0);
        let memory = driver.alloc(8);
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, blocking);
        assert_eq!(driver.cuMemsetD8Async(memory, 1, 8, 0), 0);
        assert_eq!(driver.cuStreamQuery(0), NOT_READY);
        driver.synchronize(apart);
        drop(closed);
        driver.synchronize(0);
        assert_eq!(driver.cuMemsetD8Async(memory, 2, 8, blocking), 0);
        driver.synchronize(blocking);
        assert_eq!(driver.download(memory, 8), [2; 8]);
        driver.free(memory);
    });
}

#[test]
fn a_stream_that_is_destroyed_ends_its_work() {
    AnyCuda::new().run(|| {
        let (driver, gate) = (Driver::open(), Gate::default());
        let (stream, memory) = (driver.stream(), driver.alloc(4));
        let closed = gate.0.lock().unwrap();
        gate.stop(&driver, stream);
        assert_eq!(driver.cuMemsetD8Async(memory, 9, 4, stream), 0);
        let event = driver.recorded(stream);
        assert_eq!(driver.cuStreamDestroy_v2(stream), 0);
        drop(closed);
        assert_eq!(driver.cuEventSynchronize(event), 0);
        assert_eq!(driver.download(memory, 4), [9; 4]);
        driver.free(memory);
    });
}

#[test]
fn priorities_that_there_are_none_of_become_the_nearest() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let (mut least, mut greatest) = (1, 1);
        let range = driver.cuCtxGetStreamPriorityRange(&raw mut least, &raw mut greatest);
        assert_eq!(range, 0);
        assert!(greatest <= least, "{greatest} is to be before {least}");
        for (asked, given) in [(least, least), (greatest, greatest), (-100, greatest), (100, least)]
        {
            let (mut stream, mut priority) = (0, 1);
            assert_eq!(driver.cuStreamCreateWithPriority(&raw mut stream, 1, asked), 0);
            assert_eq!(driver.cuStreamGetPriority(stream, &raw mut priority), 0);
            assert_eq!(priority, given, "{asked}");
            assert_eq!(driver.cuStreamDestroy_v2(stream), 0);
        }
    });
}
