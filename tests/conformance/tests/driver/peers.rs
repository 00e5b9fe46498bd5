//! Several devices.

use nereid_conformance::{Add, Driver, words};
use nereid_softcuda_harness::AnyCuda;

#[test]
fn copies_cross_devices_in_the_order_of_an_event() {
    AnyCuda::new().devices(2).latest().run(|| {
        let driver = Driver::open();
        let (one, from) = (driver.stream(), driver.alloc(32));
        driver.make_current(1);
        let (two, to) = (driver.stream(), driver.alloc(32));
        let contexts = (driver.context(0), driver.context(1));
        driver.make_current(0);
        assert_eq!(driver.cuMemsetD8Async(from, 5, 32, one), 0);
        let written = driver.recorded(one);
        driver.make_current(1);
        assert_eq!(driver.cuStreamWaitEvent(two, written, 0), 0);
        assert_eq!(driver.cuMemcpyPeerAsync(to, contexts.1, from, contexts.0, 16, two), 0);
        assert_eq!(driver.cuMemcpyDtoDAsync_v2(to + 16, from, 16, two), 0);
        driver.synchronize(two);
        assert_eq!(driver.download(to, 32), [5; 32]);
        driver.free(to);
        driver.free(from);
    });
}

#[test]
fn a_kernel_reaches_a_peer_if_it_may() {
    AnyCuda::new().devices(2).run(|| {
        let (driver, mut can) = (Driver::open(), 0);
        assert_eq!(driver.cuDeviceCanAccessPeer(&raw mut can, 0, 1), 0);
        driver.make_current(1);
        let from = driver.upload(&words(&[1, 2]));
        driver.make_current(0);
        let enabled = driver.cuCtxEnablePeerAccess(driver.context(1), 0);
        assert_eq!(enabled == 0, can == 1, "{enabled}");
        if can == 1 {
            let (add, to) = (Add::load(&driver), driver.alloc(8));
            assert_eq!(add.launch(from, to, 2, 0), 0);
            assert_eq!(driver.download(to, 8), words(&[12, 13]));
            driver.free(to);
        }
        driver.free(from);
    });
}
