//! Whether a state of nvJPEG's may be used again.

use crate::device::{DeviceError, Event};

/// The end of the last work that uses a state and its memory. It stands before them in a struct, so that
/// it is dropped first: whether the library waits before it frees memory is not known of it.
#[derive(Default)]
pub(super) struct Busy(Option<Event>);

impl Busy {
    /// Lets the host wait for it: nvJPEG's host writes memory that the device then reads.
    ///
    /// # Errors
    /// When the device is lost.
    pub(super) fn wait(&mut self) -> Result<(), DeviceError> {
        self.0.take().map_or(Ok(()), |end| end.synchronize())
    }

    /// It is in use until then.
    pub(super) fn until(&mut self, end: impl Into<Option<Event>>) {
        self.0 = end.into();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Some(end) = self.0.take() else { return };
        let device = end.stream().device().clone();
        device.release_foreign(move || {
            let _lost_if_not = end.synchronize();
        });
    }
}
