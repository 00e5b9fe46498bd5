//! The error types that cross the seam. What a [`Kind`] means in HTTP or gRPC is the server's
//! table, not this crate's: a backend never thinks about status codes.

use std::sync::Arc;

/// Why a request failed. A variant exists only if some caller or client acts on it differently.
///
/// The texts are Triton's where it has one, since clients match them.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// No model has this name.
    #[error("Request for unknown model: '{0}' is not found")]
    UnknownModel(String),
    /// The model exists, but not in this version.
    #[error("Request for unknown model: '{model}' version {version} is not found")]
    UnknownVersion {
        /// The model that exists.
        model: String,
        /// The version that does not.
        version: u64,
    },
    /// The model exists, but no version of it is ready.
    #[error("Request for unknown model: '{0}' has no available versions")]
    NoVersion(String),
    /// No region of shared memory has this name.
    #[error("{0}")]
    UnknownRegion(String),
    /// A region of shared memory has this name already.
    #[error("{0}")]
    AlreadyRegistered(String),
    /// The request does not fit the model, or its data are bad; a retry fails again.
    #[error("{0}")]
    Invalid(String),
    /// More bytes than the server admits in one request.
    #[error("{0}")]
    TooLarge(String),
    /// A part of the protocol that this server or this model does not have.
    #[error("{0}")]
    Unsupported(String),
    /// The model's queue is full; the client may retry. Holds the request's id.
    #[error("{}Exceeds maximum queue size", id_prefix(.0))]
    QueueFull(Arc<str>),
    /// The server has more bytes in flight than it may; the client may retry.
    #[error("{0}")]
    Overloaded(String),
    /// The model is being unloaded, or has no instance left.
    #[error("model '{0}' is not taking requests")]
    Closed(Arc<str>),
    /// The deadline passed before the answer. Holds the request's id.
    #[error("{}Request timeout expired", id_prefix(.0))]
    Expired(Arc<str>),
    /// The client went away, or asked to stop. Holds the request's id.
    #[error("{}Request was cancelled", id_prefix(.0))]
    Cancelled(Arc<str>),
    /// The request was dropped without an answer: its instance panicked, or has a bug.
    #[error("the model's instance failed and dropped the request; the server's log has the reason")]
    Abandoned,
    /// The engine failed; the batch's other requests share the cause.
    #[error("{0}")]
    Backend(Arc<str>),
    /// The device that the model runs on is lost until the server starts anew.
    #[error("{0}")]
    DeviceLost(Arc<str>),
    /// A step of an ensemble failed.
    #[error("in ensemble '{ensemble}', {step}: {source}")]
    Step {
        /// The ensemble.
        ensemble: Arc<str>,
        /// Which of its steps, and whose model it is.
        step: Arc<str>,
        /// What its step answered.
        source: Box<InferError>,
    },
}

/// Triton's error classes, which clients already depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The thing asked for does not exist.
    NotFound,
    /// It is there already.
    AlreadyExists,
    /// The request itself is wrong; a retry fails again.
    InvalidArg,
    /// The request is too large; a retry fails again.
    TooLarge,
    /// Not now; a retry may succeed.
    Unavailable,
    /// Nobody waits for this any more.
    Cancelled,
    /// Not to be had here.
    Unsupported,
    /// A fault of the server or the model.
    Internal,
}

impl InferError {
    /// The class of this error. Exhaustive on purpose: a new variant must pick its class here.
    pub fn kind(&self) -> Kind {
        match self {
            Self::UnknownModel(_)
            | Self::UnknownVersion { .. }
            | Self::NoVersion(_)
            | Self::UnknownRegion(_) => Kind::NotFound,
            Self::AlreadyRegistered(_) => Kind::AlreadyExists,
            Self::Invalid(_) => Kind::InvalidArg,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Unsupported(_) => Kind::Unsupported,
            Self::QueueFull(_)
            | Self::Overloaded(_)
            | Self::Closed(_)
            | Self::Expired(_)
            | Self::DeviceLost(_) => Kind::Unavailable,
            Self::Cancelled(_) => Kind::Cancelled,
            Self::Abandoned | Self::Backend(_) => Kind::Internal,
            Self::Step { source, .. } => source.kind(),
        }
    }

    /// Whether the deadline has passed, here or in a step of an ensemble.
    pub fn is_expired(&self) -> bool {
        match self {
            Self::Expired(_) => true,
            Self::Step { source, .. } => source.is_expired(),
            _ => false,
        }
    }
}

/// What Triton puts before an error of one request: its id, or that it has none.
pub fn id_prefix(id: &str) -> String {
    let id = if id.is_empty() { "<id_unknown>" } else { id };
    format!("[request id: {id}] ")
}

/// Why a model version cannot be served: what is wrong, where, and what to do. Shown to people,
/// never matched on; whoever catches it adds the model's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

impl LoadError {
    /// An error of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_step(cause: InferError) -> InferError {
        let step = "step 2 ('f')".into();
        InferError::Step { ensemble: "e".into(), step, source: Box::new(cause) }
    }

    #[test]
    fn a_deadline_is_seen_through_steps() {
        let expired = InferError::Expired("".into());
        assert!(expired.is_expired() && in_step(in_step(expired)).is_expired());
        assert!(!in_step(InferError::QueueFull("".into())).is_expired());
    }

    #[test]
    fn a_step_keeps_the_kind_of_its_cause() {
        let error = in_step(InferError::QueueFull("".into()));
        assert_eq!(error.kind(), Kind::Unavailable);
        let text =
            "in ensemble 'e', step 2 ('f'): [request id: <id_unknown>] Exceeds maximum queue size";
        assert_eq!(error.to_string(), text);
    }
}
