//! Memory that a pool of the program takes back: one allocation of which parts are out.

use nereid_conformance::Add;

use crate::device::Device;

#[test]
fn what_was_taken_back_is_not_touched() {
    for is_out in [true, false] {
        let device = Device::open();
        let memory = device.upload(&[1; 64]);
        assert_eq!(device.softcuda_poison(memory + 32, 32), 0);
        let address = if is_out { memory } else { memory + 16 };
        assert_eq!(device.cuMemsetD8Async(address, 0, 32, 0), 0);
        assert_eq!(device.cuStreamSynchronize(0), if is_out { 0 } else { 700 });
        if is_out {
            device.assert_clean();
        } else {
            device.assert_violation("memset: byte 32 of allocation #1 is with its pool");
        }
    }
}

#[test]
fn what_is_given_out_again_is_as_new() {
    let device = Device::open();
    let memory = device.upload(&[1; 64]);
    assert_eq!(device.softcuda_poison(memory, 64), 0);
    assert_eq!(device.softcuda_unpoison(memory, 32), 0);
    assert_eq!(device.cuMemsetD8Async(memory, 2, 16, 0), 0);
    assert_eq!(device.download(memory, 16), [2; 16]);
    device.assert_clean();
    assert_eq!(device.cuMemcpyDtoH_v2([0; 32].as_mut_ptr(), memory, 32), 0);
    device.assert_violation("uninitialised read of byte 16");
}

#[test]
fn kernels_too() {
    for (from, to) in [(0, 0), (32, 0), (0, 32)] {
        let device = Device::open();
        let add = Add::load(&device);
        let memory = device.upload(&[0; 64]);
        assert_eq!(device.softcuda_poison(memory + 32, 32), 0);
        assert_eq!(add.launch(memory + from, memory + to, 4, 0), 0);
        let is_right = from + to == 0;
        assert_eq!(device.cuCtxSynchronize(), if is_right { 0 } else { 700 });
        if is_right {
            device.assert_clean();
        } else {
            device.assert_violation("use of what its pool took back: byte 32 of allocation #2");
        }
    }
}

#[test]
fn taking_back_at_once_races_with_work_that_nobody_waited_for() {
    for is_awaited in [true, false] {
        let device = Device::open_with(&[("run_when_awaited", 1)]);
        let (stream, memory) = (device.stream(), device.upload(&[1; 64]));
        let other = device.alloc(64);
        assert_eq!(device.cuMemcpyDtoDAsync_v2(other, memory, 64, stream), 0);
        if is_awaited {
            assert_eq!(device.cuStreamSynchronize(stream), 0);
        }
        assert_eq!(device.softcuda_poison(memory, 64), 0);
        device.cuStreamSynchronize(stream);
        assert_eq!(device.violations().is_empty(), is_awaited, "{:#?}", device.violations());
    }
}

#[test]
fn taking_back_in_a_streams_order_races_with_other_streams() {
    for is_ordered in [true, false] {
        let device = Device::open();
        let (one, two) = (device.stream(), device.stream());
        let (memory, other) = (device.upload(&[1; 64]), device.alloc(64));
        assert_eq!(device.cuMemcpyDtoDAsync_v2(other, memory, 64, one), 0);
        if is_ordered {
            assert_eq!(device.cuStreamWaitEvent(two, device.recorded(one), 0), 0);
        }
        assert_eq!(device.softcuda_poison_async(memory, 64, two), 0);
        assert_eq!(device.softcuda_unpoison_async(memory, 64, two), 0);
        assert_eq!(device.cuMemsetD8Async(memory, 2, 64, two), 0);
        device.cuStreamSynchronize(two);
        device.cuStreamSynchronize(one);
        assert_eq!(device.violations().is_empty(), is_ordered, "{:#?}", device.violations());
    }
}
