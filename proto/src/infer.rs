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
    /// Its elements.
    pub data: Data,
}

/// Where the elements of an input are, in the form that tensors have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In the request: a slice of what was received, or written from JSON or from the typed contents
    /// of a message.
    Sent(Bytes),
    /// In shared memory.
    Shared(RegionPart),
}

/// Bytes of a region of shared memory, which its client has registered under this name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionPart {
    /// Which region.
    pub region: Arc<str>,
    /// The first of the bytes.
    pub offset: u64,
    /// How many.
    pub size_bytes: u64,
}

impl Input {
    /// An input of a type and a shape that can be; a size that no axis may have stays one.
    pub fn new(name: String, data_type: DataType, shape: &[usize], data: Bytes) -> Self {
        let sizes = shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX));
        let data = Data::Sent(data);
        Self { name, data_type: Some(data_type), shape: sizes.collect(), data }
    }

    /// What the request holds of it.
    pub fn sent(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        match &self.data {
            Data::Sent(bytes) => bytes,
            Data::Shared(_) => &NOTHING,
        }
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
    /// Where it is to be written, instead of being sent.
    pub place: Option<RegionPart>,
}

/// Says why a list may not be of that `length`.
pub(crate) fn check_length(length: usize) -> Result<(), String> {
    if length <= LIST_LENGTH_MAX {
        return Ok(());
    }
    Err(format!("a request may list at most {LIST_LENGTH_MAX} of anything"))
}
