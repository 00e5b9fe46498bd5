//! A request for inference as it was sent, whatever protocol it came over; no model has seen it
//! yet. The codecs of [`crate::http`] and [`crate::grpc`] make it, and share its limits here.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::parts::Parameters;

/// The most inputs, outputs, axes or parameters that one list of a request may have: in JSON, `{}`
/// takes three bytes of text and many times that once it is read.
pub const LIST_LENGTH_MAX: usize = 1024;

/// A request as it was sent.
#[derive(Debug, Default)]
pub struct InferRequest {
    /// The client's own name for it; may be empty.
    pub id: String,
    /// The client's parameters, without `binary_data_output`.
    pub parameters: Parameters,
    /// Inputs in the order in which they were sent.
    pub inputs: Vec<Input>,
    /// Outputs in the order in which they are wanted; none means all.
    pub outputs: Vec<NamedOutput>,
    /// Whether all outputs are wanted as binary data. As in Triton, it holds only for a request that
    /// names no outputs: those that are named say it for themselves.
    pub is_output_binary: bool,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Which one.
    pub name: String,
    /// Element type; `None` if what was sent is none.
    pub data_type: Option<DataType>,
    /// Size of each axis as it was sent: over gRPC, it may be negative.
    pub shape: Vec<i64>,
    /// Elements in the form that tensors have: a slice of what was received, or written from JSON
    /// or from the typed contents of a message.
    pub data: Bytes,
}

impl Input {
    /// An input of a type and a shape that can be; a size that no axis may have stays one.
    pub fn new(name: String, data_type: DataType, shape: &[usize], data: Bytes) -> Self {
        let sizes = shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX));
        Self { name, data_type: Some(data_type), shape: sizes.collect(), data }
    }
}

/// One output that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedOutput {
    /// Which one.
    pub name: Arc<str>,
    /// Whether it is wanted as binary data; over gRPC, all are.
    pub is_binary: bool,
    /// How many of its classes are wanted, instead of the tensor.
    pub classes: Option<NonZeroUsize>,
}

/// Says why a list may not be of that `length`.
pub(crate) fn check_length(length: usize) -> Result<(), String> {
    if length <= LIST_LENGTH_MAX {
        return Ok(());
    }
    Err(format!("a request may list at most {LIST_LENGTH_MAX} of anything"))
}

/// Says that `what` is a part of the protocol that is not there.
pub(crate) fn unsupported(what: &str) -> String {
    format!("{what} is not supported by this version of Nereid")
}
