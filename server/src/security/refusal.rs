//! Why a call is not answered. `status` says what each protocol calls it.

use axum::http::header::HeaderName;
use thiserror::Error;

use super::group::Role;

/// Why a call is refused. The text of a restriction is Triton's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another port is for it.
    #[error("control calls are answered at the server's control port only")]
    Elsewhere,
    /// A header is missing or has another value.
    #[error("This {what} is restricted, expecting header '{header}'")]
    Restricted {
        /// What Triton calls a group of calls in this protocol.
        what: &'static str,
        /// The header.
        header: HeaderName,
    },
    /// No key was sent.
    #[error("an API key is needed: send 'authorization: Bearer <key>' or 'x-api-key: <key>'")]
    NoKey,
    /// A key was sent, and nobody has it.
    #[error("the API key is unknown")]
    UnknownKey,
    /// The key is of somebody who may not.
    #[error("the API key lacks the role '{}'", .0.name())]
    LacksRole(Role),
}
