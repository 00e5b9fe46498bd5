//! Requests of a batch that are alike, as a head sees them on a device.

use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::request::Request;
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::{DeviceBuffer, Download, device_to_host};
use nereid_kernels::executor::Executor;

use crate::head::Inputs;
use crate::ports::Layout;

/// Requests with the same inputs, of the same types and axes but for the rows; at least one.
pub(crate) struct Group<'a> {
    /// Where the work is enqueued.
    pub(crate) executor: &'a Executor,
    pub(crate) layout: Layout,
    requests: Vec<&'a Request>,
    copies: &'a CopyCounter,
}

/// Numbers on their way to the host, to be looked at when the device is done.
pub(crate) struct Home(Option<Download>);

impl<'a> Group<'a> {
    pub(super) fn new(
        executor: &'a Executor,
        requests: Vec<&'a Request>,
        copies: &'a CopyCounter,
        layout: Layout,
    ) -> Self {
        Self { executor, layout, requests, copies }
    }

    /// Rows of all requests.
    pub(crate) fn rows(&self) -> usize {
        self.requests().map(|inputs| inputs.row_count(self.layout)).sum()
    }

    /// Each of its requests.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Inputs<'a>> {
        let copies = self.copies;
        self.requests.iter().map(move |&request| Inputs { request, copies })
    }

    /// One of its requests, since all are alike.
    pub(crate) fn first(&self) -> Inputs<'a> {
        Inputs { request: self.requests[0], copies: self.copies }
    }

    /// The rows of an input as one tensor on the device, if the requests have it.
    ///
    /// # Errors
    /// What the device tells.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<Tensor>, InferError> {
        let rows: Vec<_> = self.requests.iter().filter_map(|request| request.input(name)).collect();
        let Some((first, rest)) = rows.split_first() else { return Ok(None) };
        self.executor.together(first, rest, self.copies).map(Some)
    }

    /// As `optional`, of an input that has to be there.
    ///
    /// # Errors
    /// When it was not sent, and what the device tells.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, InferError> {
        let missing = || InferError::Invalid(format!("input '{name}' is missing"));
        self.optional(name)?.ok_or_else(missing)
    }

    /// One request's tensor on the device.
    ///
    /// # Errors
    /// What the device tells.
    pub(crate) fn brought(&self, tensor: &Tensor) -> Result<Tensor, InferError> {
        self.executor.together(tensor, &[], self.copies)
    }

    /// Whether a request wants this output.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let mut outputs = self.requests.iter().flat_map(|request| &request.outputs);
        outputs.any(|output| &*output.name == name)
    }

    /// Sends a tensor that was made here home; counted.
    ///
    /// # Errors
    /// What the device tells.
    pub(crate) fn send_home(&self, tensor: &Tensor) -> Result<Home, InferError> {
        let Some((buffer, range)) = DeviceBuffer::of(tensor).filter(|(_, range)| !range.is_empty())
        else {
            return Ok(Home(None));
        };
        let stream = self.executor.stream();
        Ok(Home(Some(device_to_host(buffer, &range, stream, self.copies)?)))
    }
}

impl Home {
    /// Its bytes; does not wait where the device is done.
    ///
    /// # Errors
    /// When the device is lost.
    pub(crate) fn bytes(self) -> Result<Bytes, InferError> {
        self.0.map_or(Ok(Bytes::new()), |download| Ok(download.bytes()?))
    }

    /// As numbers of 32 bits.
    ///
    /// # Errors
    /// When the device is lost.
    pub(crate) fn integers(self) -> Result<Vec<i32>, InferError> {
        let bytes = self.bytes()?;
        Ok(bytes.as_chunks().0.iter().map(|&word| i32::from_le_bytes(word)).collect())
    }
}

/// Whether both have the same inputs, these of the same types and axes but for the first.
pub(super) fn are_alike(one: &Request, two: &Request) -> bool {
    let is_same = |(name, tensor): &(Arc<str>, Tensor)| {
        two.input(name).is_some_and(|other| {
            tensor.data_type() == other.data_type()
                && tensor.shape().get(1..) == other.shape().get(1..)
        })
    };
    one.inputs.len() == two.inputs.len() && one.inputs.iter().all(is_same)
}
