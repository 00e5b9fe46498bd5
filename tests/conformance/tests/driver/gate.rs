//! Work that holds a stream up until the test lets it go.

use std::ffi::c_void;
use std::sync::Mutex;

use nereid_conformance::{Driver, code::SUCCESS};

/// Closed while its lock is held. While it is, nothing is called that may wait for the device: no
/// free, and no first launch of a kernel, which a driver may load only then.
#[derive(Default)]
pub(crate) struct Gate(pub(crate) Mutex<()>);

extern "C" fn pass(gate: *mut c_void) {
    // SAFETY: the test keeps the gate until the stream is done.
    let gate = unsafe { &*gate.cast::<Gate>() };
    drop(gate.0.lock());
}

impl Gate {
    pub(crate) fn stop(&self, driver: &Driver, stream: usize) {
        let gate: *const Self = self;
        assert_eq!(driver.cuLaunchHostFunc(stream, pass, gate.cast_mut().cast()), SUCCESS);
    }
}
