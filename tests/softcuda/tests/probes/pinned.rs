//! What the host may do with its memory while a copy is on its way.

use std::slice;

use crate::device::Device;

/// Streams work only when they are waited for: a program that is right cannot tell.
const LATE: (&str, u64) = ("run_when_awaited", 1);

impl Device {
    /// The bytes of pinned memory. No copy runs meanwhile.
    pub(crate) fn host<'a>(address: *mut u8, size: usize) -> &'a mut [u8] {
        // SAFETY: the tests give memory of that size, and hold one such slice at a time.
        unsafe { slice::from_raw_parts_mut(address, size) }
    }
}

#[test]
fn pinned_memory_reused_too_early() {
    for is_event_awaited in [true, false] {
        let device = Device::open_with(&[LATE]);
        let (stream, memory, pinned) = (device.stream(), device.alloc(16), device.pinned(16));
        Device::host(pinned, 16).fill(1);
        assert_eq!(device.cuMemcpyHtoDAsync_v2(memory, pinned, 16, stream), 0);
        if is_event_awaited {
            assert_eq!(device.cuEventSynchronize(device.recorded(stream)), 0);
        }
        Device::host(pinned, 16).fill(2);
        assert_eq!(device.cuStreamSynchronize(stream), 0);
        if is_event_awaited {
            device.assert_clean();
            assert_eq!(device.download(memory, 16), [1; 16]);
        } else {
            device.assert_violation("pinned host memory was changed between the call and the copy");
        }
    }
}

#[test]
fn pinned_memory_read_too_early() {
    let device = Device::open_with(&[LATE]);
    let (stream, memory, pinned) = (device.stream(), device.upload(&[1; 16]), device.pinned(16));
    assert_eq!(device.cuMemcpyDtoHAsync_v2(pinned, memory, 16, stream), 0);
    assert_eq!(Device::host(pinned, 16), [0xA5; 16]); // Nobody's bytes.
    assert_eq!(device.cuStreamSynchronize(stream), 0);
    assert_eq!(Device::host(pinned, 16), [1; 16]);
    device.assert_clean();
}

#[test]
fn registered_memory_is_pinned_until_it_is_not() {
    let device = Device::open_with(&[LATE]);
    let (stream, memory, mut bytes) = (device.stream(), device.upload(&[1; 16]), vec![0_u8; 16]);
    let host = bytes.as_mut_ptr();
    assert_eq!(device.cuMemHostRegister_v2(host, 16, 0), 0);
    assert_eq!(device.cuMemHostRegister_v2(host.wrapping_add(8), 16, 0), 712);
    assert_eq!(device.cuMemcpyDtoHAsync_v2(host, memory, 16, stream), 0);
    assert_eq!(Device::host(host, 16), [0xA5; 16]);
    assert_eq!(device.cuMemHostUnregister(host), 0); // Waits for what uses it.
    assert_eq!(Device::host(host, 16), [1; 16]);
    assert_eq!(device.cuMemHostUnregister(host), 713);
    Device::host(host, 16).fill(0);
    assert_eq!(device.cuMemcpyDtoHAsync_v2(host, memory, 16, stream), 0);
    assert_eq!(Device::host(host, 16), [1; 16]);
    device.assert_clean();
}
