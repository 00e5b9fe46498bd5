//! What a driver says of itself and of its devices.

use nereid_conformance::{Driver, code::INVALID_DEVICE};
use nereid_softcuda_harness::AnyCuda;

/// `CUdevice_attribute`.
const THREADS_MAX: i32 = 1;
const SHARED_BYTES_MAX: i32 = 8;
const MAJOR: i32 = 75;
const MEMORY_POOLS: i32 = 115;

#[test]
fn the_driver_serves_cuda_12() {
    AnyCuda::new().run(|| {
        let (driver, mut version) = (Driver::open(), 0);
        assert_eq!(driver.cuDriverGetVersion(&raw mut version), 0);
        assert!(version >= 12_000, "{version}");
    });
}

#[test]
fn a_device_says_what_it_is() {
    AnyCuda::new().run(|| {
        let (driver, mut bytes) = (Driver::open(), 0);
        assert!(!driver.device_name(0).is_empty());
        assert_eq!(driver.cuDeviceTotalMem_v2(&raw mut bytes, 0), 0);
        assert!(bytes >= 1 << 28, "{bytes}");
        assert!(driver.attribute(MAJOR, 0) >= 7);
        assert!(driver.attribute(THREADS_MAX, 0) >= 1024);
        assert!(driver.attribute(SHARED_BYTES_MAX, 0) >= 48 << 10);
        assert_eq!(driver.attribute(MEMORY_POOLS, 0), 1);
    });
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    AnyCuda::new().run(|| {
        let (driver, mut count, mut context) = (Driver::open(), 0, 0);
        assert_eq!(driver.cuDeviceGetCount(&raw mut count), 0);
        assert!(count >= 1);
        assert_eq!(driver.cuDevicePrimaryCtxRetain(&raw mut context, count), INVALID_DEVICE);
    });
}

#[test]
fn each_device_has_a_number_of_its_own() {
    AnyCuda::new().devices(2).run(|| {
        let driver = Driver::open();
        let [one, two] = [0, 1].map(|ordinal| {
            let mut uuid = [0; 16];
            assert_eq!(driver.cuDeviceGetUuid_v2(&raw mut uuid, ordinal), 0);
            uuid
        });
        assert_ne!(one, two);
    });
}
