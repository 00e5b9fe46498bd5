//! Events: places in a stream's work.

use std::sync::Arc;

use nereid_backend::backend::Completion;
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;

use super::{Device, DeviceError, Stream, sys};

/// A place in a stream's work: all that was enqueued before it was recorded. Cloning shares it.
#[derive(Clone)]
pub struct Event(Arc<Recorded>);

struct Recorded {
    stream: Stream,
    raw: sys::stream::Event,
}

impl Event {
    /// Behind all that is in the stream now.
    pub(super) fn record(stream: &Stream) -> Result<Self, DeviceError> {
        let device = stream.device();
        let raw = device.take_event()?;
        let recorded = raw.record(stream.raw());
        let event = Self(Arc::new(Recorded { stream: stream.clone(), raw }));
        device.told(recorded).map(|()| event)
    }

    /// Whose work it is a place in.
    pub fn stream(&self) -> &Stream {
        &self.0.stream
    }

    /// Whether it has come. Never blocks.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn is_done(&self) -> Result<bool, DeviceError> {
        self.device().enter()?;
        match self.0.raw.query() {
            Err(failure) if failure.is_not_ready() => Ok(false),
            answer => self.device().told(answer).map(|()| true),
        }
    }

    /// Lets the host wait for it: for loads and tests, never on a request's way, but where nvJPEG is to
    /// write memory of the host anew.
    ///
    /// # Errors
    /// When the device is lost.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.device().enter()?;
        self.device().told(self.0.raw.synchronize())
    }

    fn device(&self) -> &Device {
        self.0.stream.device()
    }

    /// Lets what comes in a stream wait for it.
    pub(super) fn hold(&self, stream: &sys::stream::Stream) -> sys::Result<()> {
        stream.wait(&self.0.raw)
    }
}

impl Completion for Event {
    fn poll(&self) -> Option<Result<(), InferError>> {
        match self.is_done() {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Several places: done when all of them have come, at once if there are none.
pub struct Events(pub Vec<Event>);

impl Events {
    /// Behind all that is in these streams now.
    ///
    /// # Errors
    /// When a device is lost.
    pub fn of(streams: &[&Stream]) -> Result<Self, DeviceError> {
        streams.iter().map(|stream| stream.record()).collect::<Result<_, _>>().map(Self)
    }

    /// A device that one of them is on; the CPU if there are none.
    pub fn device(&self) -> DeviceId {
        self.0.first().map_or(DeviceId::Cpu, |event| event.device().id())
    }
}

impl Completion for Events {
    fn poll(&self) -> Option<Result<(), InferError>> {
        for event in &self.0 {
            match event.poll()? {
                Ok(()) => {}
                failed => return Some(failed),
            }
        }
        Some(Ok(()))
    }
}

impl Drop for Recorded {
    /// It is recorded anew by whoever needs one next: nothing of the driver is called.
    fn drop(&mut self) {
        let raw = self.raw.take();
        self.stream.device().events().push(raw);
    }
}
