//! `model_warmup`: what each instance runs before its version is ready, so that no client pays for
//! what an engine does the first time. The rules are Triton's: a batch is as many requests as
//! `batch_size` says, each of one row and all of the same data.

mod content;
mod stated;

use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::Tensor;

use content::Content;
pub(crate) use stated::read;

/// Most samples of a model.
pub const SAMPLES_MAX: usize = 256;

/// Most runs of a sample.
pub const RUNS_MAX: u32 = 1000;

/// Most bytes of an input in one run of a sample, all rows together.
pub const INPUT_BYTES_MAX: usize = 1 << 30;

/// A batch that is run some times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What errors call it: its name, or its place if it has none.
    pub name: String,
    /// Requests in its batch, each of one row; at least 1.
    pub requests: usize,
    /// How often it is run; at least 1.
    pub runs: u32,
    /// How the inputs of each request are made.
    pub inputs: Vec<Input>,
}

impl Sample {
    /// The inputs of each request. They are made anew each time: they may be large, and are
    /// rarely needed.
    ///
    /// # Errors
    /// When a file is no longer what it was when the configuration was read.
    pub fn tensors(&self) -> Result<Tensors, String> {
        let one = |input: &Input| Ok((input.name.clone(), input.tensor(self.requests)?));
        self.inputs.iter().map(one).collect()
    }
}

/// How one input is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    name: Arc<str>,
    data_type: DataType,
    /// All axes: the first is a batch of 1, if the model batches.
    shape: Vec<usize>,
    content: Content,
}

impl Input {
    /// The tensor of each of so many `requests`.
    fn tensor(&self, requests: usize) -> Result<Tensor, String> {
        content::tensor(&self.content, self.data_type, &self.shape, bytes_max(requests))
    }

    /// Whether there can be such a tensor. Only a file must be read to know it.
    fn check(&self, requests: usize) -> Result<(), String> {
        match self.content {
            Content::Zero | Content::Random => {
                content::size_bytes(self.data_type, &self.shape, bytes_max(requests)).map(drop)
            }
            Content::File(_) => self.tensor(requests).map(drop),
        }
    }
}

/// Most bytes of an input of each of so many requests.
fn bytes_max(requests: usize) -> usize {
    INPUT_BYTES_MAX / requests.max(1)
}

#[cfg(test)]
mod tests;
