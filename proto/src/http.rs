//! Inference over HTTP: from a body to tensors, and back; and the bodies of requests to the model
//! repository, and of registrations of shared memory.
//!
//! A body is JSON, perhaps followed by the raw bytes of tensors; how long the JSON is stands in
//! the header [`HEADER_LENGTH`]. The JSON is read by a reader of our own, since `data` must become
//! the bytes of a tensor without a tree of values in between, and since Triton's clients write
//! bare `NaN` and `Infinity`. The error texts are Triton's, as far as it has one.
//!
//! Nothing here knows a model or a server: whether a request makes sense is for them to say.

mod data;
mod json;
mod regions;
mod repository;
mod request;
mod response;

pub use regions::{CudaRegion, cuda_region};
pub use repository::{load_parameters, wants_dependents, wants_only_ready};
pub use request::{decode, wrong_header_length};
pub use response::{Encoded, InferResponse, encode};

/// Names the header that tells the length of the JSON before binary tensors.
pub const HEADER_LENGTH: &str = "inference-header-content-length";

#[cfg(test)]
mod tests;
