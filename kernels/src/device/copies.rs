//! The three functions that move bytes to, from and between devices. All else calls these, so what
//! they count is all that is copied.
//!
//! No other code of Nereid enqueues a copy; a kernel that gathers or scatters counts what it moves as
//! [`Copy::Gather`], and what nvJPEG uploads by itself is counted by [`crate::nvjpeg`].
#![allow(unsafe_code)]

use std::ops::Range;

use bytes::Bytes;
use nereid_backend::observer::{Copy, CopyCounter};

use super::sys::memory;
use super::{Allocation, DeviceBuffer, DeviceError, PinnedBuffer, Stream};

/// Where bytes of the host are.
pub enum Source<'a> {
    /// Anywhere. They are taken before the call returns, which may wait for the stream.
    Pageable(&'a [u8]),
    /// In pinned memory, which goes back to its pool when the device has copied it.
    Pinned(PinnedBuffer),
}

/// Bytes on their way to the host.
pub struct Download(PinnedBuffer);

/// Copies `from` to the bytes of `to` from `start` on, by `to`'s stream.
///
/// # Errors
/// [`DeviceError::Range`] if they do not fit there, or when the device is lost.
pub fn host_to_device(
    to: &mut Allocation,
    start: usize,
    from: Source<'_>,
    copies: &CopyCounter,
) -> Result<(), DeviceError> {
    let bytes = from.as_ref();
    let place = to.place(&(start..start.saturating_add(bytes.len())))?;
    let (stream, device, size) = (to.home(), to.home().device(), bytes.len());
    device.enter()?;
    // SAFETY: `place` has so many bytes, which are freed in this stream's order. Pageable bytes are
    // taken at the call; pinned ones are nobody's from here on, and used again after the event.
    device.told(unsafe { memory::copy_in(place, bytes, stream.raw()) })?;
    copies.add(Copy::HostToDevice, size);
    match from {
        Source::Pageable(_) => Ok(()),
        Source::Pinned(mut buffer) => buffer.hold(stream),
    }
}

/// Copies bytes of `from` to pinned memory, by `stream`, after those who write them.
///
/// # Errors
/// [`DeviceError::Range`] if there are not so many, [`DeviceError::OutOfMemory`] without pinned memory
/// for them, or when the device is lost.
pub fn device_to_host(
    from: &DeviceBuffer,
    range: &Range<usize>,
    stream: &Stream,
    copies: &CopyCounter,
) -> Result<Download, DeviceError> {
    let reading = from.read(stream)?;
    let place = reading.place(range)?;
    let mut buffer = stream.pinned(range.len())?;
    // SAFETY: `place` has so many bytes, which the reading keeps; the buffer is not looked at before
    // the copy is done, and goes back to its pool with its end.
    let copied = unsafe { memory::copy_out(buffer.as_mut(), place, stream.raw()) };
    stream.device().told(copied)?;
    copies.add(Copy::DeviceToHost, range.len());
    buffer.hold(stream)?;
    Ok(Download(buffer))
}

/// Copies bytes of `from` to those of `to` from `start` on, within a device or from one to another, by
/// `to`'s stream, after those who write them.
///
/// # Errors
/// [`DeviceError::Range`] if there are not so many, or when a device is lost.
pub fn device_to_device(
    to: &mut Allocation,
    start: usize,
    from: &DeviceBuffer,
    range: &Range<usize>,
    copies: &CopyCounter,
) -> Result<(), DeviceError> {
    let (stream, device) = (to.home(), to.home().device());
    let reading = from.read_across(stream)?;
    let source = reading.place(range)?;
    let place = to.place(&(start..start.saturating_add(range.len())))?;
    device.enter()?;
    let copied = if from.owner().id() == device.id() {
        // SAFETY: both places have so many bytes; the reading keeps one, this stream the other.
        unsafe { memory::copy_within(place, source, range.len(), stream.raw()) }
    } else {
        let (to, from) = ((device.context(), place), (from.owner().context(), source));
        // SAFETY: as above, each of its device.
        unsafe { memory::copy_across(to, from, range.len(), stream.raw()) }
    };
    device.told(copied)?;
    copies.add(Copy::DeviceToDevice, range.len());
    Ok(())
}

impl Download {
    /// The bytes. The host waits for them, if the stream has not come so far: whoever must not wait
    /// asks only when an event that was recorded behind the copy has come.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn bytes(self) -> Result<Bytes, DeviceError> {
        self.0.wait()?;
        Ok(Bytes::from_owner(self.0))
    }
}

impl Source<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Pageable(bytes) => bytes,
            Self::Pinned(buffer) => buffer.as_ref(),
        }
    }
}
