//! Two devices.

use nereid_softcuda_harness::Library;

use super::*;

fn two() -> SoftCuda {
    SoftCuda::new().set("devices", 2).set("run_when_awaited", 1)
}

#[test]
fn a_tensor_goes_from_one_software_cuda_device_to_the_other() {
    two().run(|cuda| {
        let (devices, copies) = (probe(LIMITS).unwrap(), CopyCounter::default());
        let [one, two] = [0, 1].map(|ordinal| devices.get(ordinal).unwrap());
        let (on_one, on_two) = (stream(one, "one"), stream(two, "two"));
        let buffer = upload(&on_one, &[1; 64], &copies);
        let mut to = on_two.allocate(32).unwrap();
        device_to_device(&mut to, 0, &buffer, &(32..64), &copies).unwrap();
        drop(buffer); // Freed on its own device, behind the other's read.
        let there = to.ready().unwrap();
        assert_eq!(there.device(), DeviceId::Cuda(1));
        let added = added(&add_one(two), &on_two, &there);
        assert_eq!(download(&on_two, &added, &copies)[..], [2; 32]);
        assert_eq!((copies.get(Copy::DeviceToDevice), cuda.count("peer_bytes")), (32, 32));
        assert_eq!(cuda.count("d2d_bytes"), 0);
    });
}

/// Copies from one device to the other; how it goes there is the driver's affair.
fn copy_across(cuda: &Library, devices: &Devices) {
    let copies = CopyCounter::default();
    let [one, two] = [0, 1].map(|ordinal| devices.get(ordinal).unwrap());
    let (on_one, on_two) = (stream(one, "one"), stream(two, "two"));
    let buffer = upload(&on_one, &[1; 64], &copies);
    let mut to = on_two.allocate(64).unwrap();
    device_to_device(&mut to, 0, &buffer, &(0..64), &copies).unwrap();
    assert_eq!(download(&on_two, &to.ready().unwrap(), &copies)[..], [1; 64]);
    assert_eq!((cuda.count("peer_bytes"), cuda.count("d2h_bytes")), (64, 64));
}

#[test]
fn software_cuda_devices_reach_each_other_s_memory() {
    two().run(|cuda| {
        let devices = probe(LIMITS).unwrap();
        assert_eq!(devices.apart(), []);
        copy_across(cuda, &devices);
    });
}

#[test]
fn software_cuda_devices_that_do_not_are_told() {
    two().set("peer_access", 0).run(|cuda| {
        let devices = probe(LIMITS).unwrap();
        let (zero, one) = (DeviceId::Cuda(0), DeviceId::Cuda(1));
        assert_eq!(devices.apart(), [(zero, one), (one, zero)]);
        copy_across(cuda, &devices);
    });
}

#[test]
fn only_a_copy_crosses_devices() {
    AnyCuda::new().devices(2).latest().run(|| {
        let (devices, copies) = (probe(LIMITS).unwrap(), CopyCounter::default());
        let [one, two] = [0, 1].map(|ordinal| devices.get(ordinal).unwrap());
        let (on_one, on_two) = (stream(one, "one"), stream(two, "two"));
        let buffer = upload(&on_one, &[1; 64], &copies);
        let text = "memory of cuda:0 given to a stream of cuda:1; it has to be copied between \
                    devices";
        assert_eq!(buffer.read(&on_two).err().unwrap().to_string(), text);
        let down = device_to_host(&buffer, &(0..64), &on_two, &copies);
        assert!(matches!(down.err(), Some(DeviceError::OtherDevice { .. })));
        let to = on_two.allocate(64).unwrap();
        let reading = buffer.read(&on_one).unwrap();
        let launched = launch(&add_one(one), &on_two, reading.address(), &to);
        assert!(matches!(launched, Err(DeviceError::OtherDevice { .. })));
    });
}

#[test]
fn a_device_that_is_lost_takes_no_other_with_it() {
    two().run(|cuda| {
        let (devices, copies) = (probe(LIMITS).unwrap(), CopyCounter::default());
        let [one, two] = [0, 1].map(|ordinal| devices.get(ordinal).unwrap());
        let (on_one, on_two) = (stream(one, "one"), stream(two, "two"));
        let lost = upload(&on_one, &[1; 64], &copies);
        let kept = upload(&on_two, &[2; 64], &copies);
        cuda.lose_device(0);
        let mut to = on_two.allocate(64).unwrap();
        assert!(on_one.synchronize().is_err() && one.is_lost());
        let crossed = device_to_device(&mut to, 0, &lost, &(0..64), &copies);
        let is_of_one = |error: &DeviceError| {
            matches!(error, DeviceError::Lost { device: DeviceId::Cuda(0), .. })
        };
        assert!(crossed.is_err_and(|error| is_of_one(&error)) && !two.is_lost());
        assert_eq!(download(&on_two, &kept, &copies)[..], [2; 64]);
    });
}
