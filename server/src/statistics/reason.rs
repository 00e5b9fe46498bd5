//! Why a request failed, as Triton's metric tells it.

use nereid_backend::error::InferError;

/// The `reason` label of `nv_inference_request_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was refused before it ran: the queue was full, or it waited too long.
    Rejected,
    /// Nobody wanted the answer any more.
    Canceled,
    /// The engine failed, or found the input's content bad.
    Backend,
    /// Everything else, such as a failed step of an ensemble.
    Other,
}

impl Reason {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Canceled, Self::Backend, Self::Other];

    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rejected => "REJECTED",
            Self::Canceled => "CANCELED",
            Self::Backend => "BACKEND",
            Self::Other => "OTHER",
        }
    }

    pub(super) fn of(error: &InferError) -> Self {
        match error {
            InferError::QueueFull(_)
            | InferError::Overloaded(_)
            | InferError::Expired(_)
            | InferError::Closed(_) => Self::Rejected,
            InferError::Cancelled(_) => Self::Canceled,
            InferError::Backend(_)
            | InferError::Abandoned
            | InferError::Invalid(_)
            | InferError::DeviceLost(_) => Self::Backend,
            _ => Self::Other,
        }
    }
}
