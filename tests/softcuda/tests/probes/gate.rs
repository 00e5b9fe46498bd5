//! Work that is held up: what is behind it waits, what is beside it does not, and what waits for it by an
//! event does.

use std::ffi::CString;

use crate::device::{Device, NOT_READY};

impl Device {
    fn done(&self, name: &str) -> u64 {
        let (name, mut count) = (CString::new(name).unwrap(), 0);
        assert_eq!(self.softcuda_done(name.as_ptr(), &raw mut count), 0);
        count
    }

    fn is_holding(&self) -> bool {
        let mut answer = 0;
        assert_eq!(self.softcuda_is_holding(&raw mut answer), 0);
        answer == 1
    }
}

#[test]
fn only_what_waits_for_held_work_stands_still() {
    let device = Device::open();
    let (one, two, three) = (device.stream(), device.stream(), device.stream());
    let [a, b, c] = [(); 3].map(|()| device.alloc(8));
    assert_eq!(device.softcuda_hold(c"memset".as_ptr()), 0);
    assert_eq!(device.cuMemsetD8Async(a, 1, 8, one), 0);
    let held = device.recorded(one);
    while !device.is_holding() {
        std::thread::yield_now();
    }
    assert_eq!(device.cuMemsetD8Async(b, 2, 8, two), 0);
    assert_eq!(device.cuStreamSynchronize(two), 0);
    assert_eq!(device.done("memset"), 1, "of the second stream");
    assert_eq!(device.cuStreamWaitEvent(three, held, 0), 0);
    assert_eq!(device.cuMemcpyDtoDAsync_v2(c, a, 8, three), 0);
    assert_eq!(device.cuStreamQuery(three), NOT_READY);
    assert_eq!(device.softcuda_release(), 0);
    assert!(!device.is_holding());
    assert_eq!(device.cuStreamSynchronize(three), 0);
    assert_eq!((device.done("memset"), device.done("copy D2D")), (2, 1));
    assert_eq!(device.download(c, 8), [1; 8]);
    device.assert_clean();
}

#[test]
fn an_option_that_counts_down_tells_how_far_it_is() {
    let device = Device::open();
    let left = || {
        let mut value = 0;
        assert_eq!(device.softcuda_get(c"fail_allocation".as_ptr(), &raw mut value), 0);
        value
    };
    device.set("fail_allocation", 3);
    device.alloc(8);
    assert_eq!(left(), 2);
    device.set("fail_allocation", 0);
    device.alloc(8);
    assert_eq!(left(), 0);
}
