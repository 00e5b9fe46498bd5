//! Streams and events of the current context.

use cudarc::driver::result;
use cudarc::driver::sys::{CUevent, CUevent_flags, CUevent_wait_flags, CUstream};

use super::{Result, named};

/// A non-blocking stream.
pub(in super::super) struct Stream(CUstream);

/// An event without a time.
pub(in super::super) struct Event(CUevent);

// SAFETY: any thread that has the context current may use a stream; the driver locks it.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}
// SAFETY: as of streams.
unsafe impl Send for Event {}
// SAFETY: as of streams.
unsafe impl Sync for Event {}

/// The least and the greatest priority; the greatest is the smaller number.
pub(in super::super) fn priorities() -> Result<(i32, i32)> {
    named("cuCtxGetStreamPriorityRange", result::stream::get_priority_range())
}

impl Stream {
    pub(in super::super) fn create(priority: i32) -> Result<Self> {
        let kind = result::stream::StreamKind::NonBlocking;
        let created = result::stream::create_with_priority(kind, priority);
        named("cuStreamCreateWithPriority", created).map(Self)
    }

    /// Lets what is enqueued from now on wait for the record that `event` has now.
    pub(in super::super) fn wait(&self, event: &Event) -> Result<()> {
        let flags = CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT;
        // SAFETY: both are alive.
        named("cuStreamWaitEvent", unsafe { result::stream::wait_event(self.0, event.0, flags) })
    }

    /// Waits for all that is enqueued.
    pub(in super::super) fn synchronize(&self) -> Result<()> {
        // SAFETY: it is alive.
        named("cuStreamSynchronize", unsafe { result::stream::synchronize(self.0) })
    }

    /// What is enqueued is still done.
    pub(in super::super) fn destroy(self) -> Result<()> {
        // SAFETY: it is alive, and this consumes it.
        named("cuStreamDestroy", unsafe { result::stream::destroy(self.0) })
    }

    /// Moves it out for its end; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self(std::mem::replace(&mut self.0, std::ptr::null_mut()))
    }

    pub(in super::super) fn raw(&self) -> CUstream {
        self.0
    }
}

impl Event {
    pub(in super::super) fn create() -> Result<Self> {
        let created = result::event::create(CUevent_flags::CU_EVENT_DISABLE_TIMING);
        named("cuEventCreate", created).map(Self)
    }

    /// Puts it behind all that is in the stream.
    pub(in super::super) fn record(&self, stream: &Stream) -> Result<()> {
        // SAFETY: both are alive.
        named("cuEventRecord", unsafe { result::event::record(self.0, stream.0) })
    }

    /// # Errors
    /// `is_not_ready` while it has not come.
    pub(in super::super) fn query(&self) -> Result<()> {
        // SAFETY: it is alive.
        named("cuEventQuery", unsafe { result::event::query(self.0) })
    }

    pub(in super::super) fn synchronize(&self) -> Result<()> {
        // SAFETY: it is alive.
        named("cuEventSynchronize", unsafe { result::event::synchronize(self.0) })
    }

    /// Moves it out for its next use; what is left is nobody's.
    pub(in super::super) fn take(&mut self) -> Self {
        Self(std::mem::replace(&mut self.0, std::ptr::null_mut()))
    }

    pub(in super::super) fn destroy(self) -> Result<()> {
        // SAFETY: it is alive, and this consumes it.
        named("cuEventDestroy", unsafe { result::event::destroy(self.0) })
    }
}
