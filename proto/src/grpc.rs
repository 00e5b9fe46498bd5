//! Inference over gRPC: from a message to tensors, and back.
//!
//! Raw tensors are slices of the message that was received; typed contents are rewritten. The
//! error texts are Triton's, as far as it has one.
//!
//! Nothing here knows a model or a server: whether a request makes sense is for them to say.

mod alignment;
mod codec;
mod contents;
mod deadline;
mod regions;
mod request;
mod response;

pub use alignment::{FILLER_BYTES_MAX, filler};
pub use codec::{Bounded, BoundedDecoder, check_lists};
pub use contents::rewritten_bytes;
pub use deadline::{DEADLINE, deadline};
pub use request::decode;
pub use response::encode;
