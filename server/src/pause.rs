//! How long a client may pause within the body of a request, over either protocol: one that never
//! sends the rest would hold what it has sent for ever.

use std::time::Duration;

use nereid_backend::error::InferError;

/// The longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The error of a client that pauses for longer.
pub fn paused() -> InferError {
    let pause = PAUSE_MAX.as_secs();
    InferError::Invalid(format!("the request's body paused for more than {pause} s"))
}
