//! Inputs of a batch where an engine of others wants them.

use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::tensor::{Storage, Tensor};

use super::Executor;
use crate::device::{DeviceBuffer, device_to_device, device_to_host};

/// What addresses on the device are multiples of where an engine asks for it: TensorRT says so
/// (`IExecutionContext::setTensorAddress`), and kernels of ONNX Runtime have it from their arena.
const ALIGNMENT: usize = 256;

impl Executor {
    /// As [`Executor::gather`], at an address that suits every engine: rows from the middle of a buffer
    /// may begin anywhere; then they are copied, and counted.
    ///
    /// # Errors
    /// As [`Executor::gather`].
    pub fn gather_aligned(&self, batch: &Batch, name: &str) -> Result<Option<Tensor>, InferError> {
        let Some(tensor) = self.gather(batch, name)? else { return Ok(None) };
        let Some((buffer, range)) = DeviceBuffer::of(&tensor) else { return Ok(Some(tensor)) };
        if range.start.is_multiple_of(ALIGNMENT) {
            return Ok(Some(tensor));
        }
        let mut to = self.stream().allocate(range.len())?;
        device_to_device(&mut to, 0, buffer, &range, batch.copies())?;
        self.tensor(tensor.data_type(), tensor.shape().to_vec(), to).map(Some)
    }

    /// The rows of the input `name` of all requests as one tensor on the host, or `None` if the
    /// requests do not have it. Those that are on a device are waited for: whoever asks has to know
    /// them to go on.
    ///
    /// # Errors
    /// [`InferError::Backend`] when the rows cannot be one tensor, and what the device tells.
    pub fn gather_on_host(&self, batch: &Batch, name: &str) -> Result<Option<Tensor>, InferError> {
        let Some(tensor) = batch.gather(name)? else { return Ok(None) };
        let Some((buffer, range)) = DeviceBuffer::of(&tensor) else { return Ok(Some(tensor)) };
        let bytes = device_to_host(buffer, &range, self.stream(), batch.copies())?.bytes()?;
        let storage = Storage::Host(bytes);
        Tensor::new(tensor.data_type(), tensor.shape().to_vec(), storage)
            .map(Some)
            .map_err(|error| InferError::Backend(format!("input '{name}': {error}").into()))
    }
}
