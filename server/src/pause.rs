//! How slowly the body of a request may come, over either protocol: a client that never sends the
//! rest would hold its connection, and what it has sent, for ever.

use std::time::Duration;

use nereid_backend::error::InferError;
use tokio::time::Instant;

/// The longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Bytes a second that must come on average, once a body takes longer than [`PAUSE_MAX`].
pub const RATE_MIN: u32 = 4 << 10;

/// How far a body has come, or one message of a stream, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    began: Instant,
    size_bytes: usize,
}

impl Pace {
    /// Nothing has come yet.
    pub fn start() -> Self {
        Self { began: Instant::now(), size_bytes: 0 }
    }

    /// Takes note of so many bytes more.
    pub fn pass(&mut self, size_bytes: usize) {
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
    }

    /// Until when more must come, or the end, for who begins to wait for it now.
    pub fn deadline(&self) -> Instant {
        self.slowest().min(Instant::now() + PAUSE_MAX)
    }

    /// The error of a client that has let the [`Pace::deadline`] pass.
    pub fn missed(&self) -> InferError {
        InferError::Invalid(if self.slowest() <= Instant::now() && self.size_bytes > 0 {
            format!(
                "the request's body comes too slowly: {} bytes in {} s; this server waits for \
                 {RATE_MIN} bytes a second",
                self.size_bytes,
                self.began.elapsed().as_secs()
            )
        } else {
            format!("the request's body paused for more than {} s", PAUSE_MAX.as_secs())
        })
    }

    /// When so much would have come at the slowest rate.
    fn slowest(&self) -> Instant {
        let bytes = u32::try_from(self.size_bytes).unwrap_or(u32::MAX);
        self.began + PAUSE_MAX + Duration::from_secs(1) * bytes / RATE_MIN
    }
}
