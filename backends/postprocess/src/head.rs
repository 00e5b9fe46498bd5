//! What every operation is made of: from `parameters` to an [`Operation`], from that and the
//! signature to a [`Head`], which answers one request after the other.

use std::borrow::Cow;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::Tensors;
use nereid_backend::request::Request;
use nereid_backend::spec::Signature;
use nereid_backend::tensor::{Tensor, TensorError};

use crate::device::DeviceHead;
use crate::ports::Layout;

/// What `parameters` ask for.
pub(crate) trait Operation {
    /// The signature of a model of which the user wrote `user`; with a batch axis if it batches.
    ///
    /// # Errors
    /// Everything in `user` that does not fit, one a line.
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError>;

    /// Makes ready a model of this completed signature and at most `rows_max` rows, 0 if it does
    /// not batch.
    ///
    /// # Errors
    /// When a file of labels is missing or does not fit, or an answer could be too large.
    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError>;
}

/// Answers requests, and is shared by all instances.
pub(crate) trait Head: Send + Sync {
    /// Every output of one request.
    ///
    /// # Errors
    /// When its tensors do not fit each other or the operation.
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError>;

    /// As it runs on a device, if there are kernels for it.
    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>>;
}

/// The inputs of one request.
pub(crate) struct Inputs<'a> {
    pub(crate) request: &'a Request,
    /// Where copies are counted.
    pub(crate) copies: &'a CopyCounter,
}

impl<'a> Inputs<'a> {
    /// The input called `name`.
    ///
    /// # Errors
    /// [`InferError::Invalid`] when it was not sent.
    pub(crate) fn tensor(&self, name: &str) -> Result<&'a Tensor, InferError> {
        let missing = || InferError::Invalid(format!("input '{name}' is missing"));
        self.request.input(name).ok_or_else(missing)
    }

    /// The numbers of an FP32 input in place, or, if they are not aligned, one counted copy.
    ///
    /// # Errors
    /// When it is missing, of another type, or on a device.
    pub(crate) fn floats(&self, name: &str) -> Result<Cow<'a, [f32]>, InferError> {
        let input = self.tensor(name)?;
        if let Some(numbers) = input.values::<f32>() {
            return Ok(Cow::Borrowed(numbers));
        }
        let is_copied = |_: &&[u8]| input.data_type() == DataType::Fp32 && !input.is_aligned();
        let Some(copy) = input.host().filter(is_copied) else {
            let text = format!("input '{name}' must be FP32 in host memory");
            return Err(InferError::Backend(text.into()));
        };
        self.copies.add(Copy::Realign, copy.len());
        let (words, _) = copy.as_chunks();
        Ok(Cow::Owned(words.iter().map(|&word| f32::from_le_bytes(word)).collect()))
    }

    /// The numbers of an INT32 or INT64 input.
    ///
    /// # Errors
    /// When it is missing, of another type, or on a device.
    pub(crate) fn integers(&self, name: &str) -> Result<Vec<i64>, InferError> {
        let input = self.tensor(name)?;
        match (input.data_type(), input.host()) {
            (DataType::Int32, Some(bytes)) => Ok(bytes
                .as_chunks()
                .0
                .iter()
                .map(|&word| i32::from_le_bytes(word).into())
                .collect()),
            (DataType::Int64, Some(bytes)) => {
                Ok(bytes.as_chunks().0.iter().map(|&word| i64::from_le_bytes(word)).collect())
            }
            _ => {
                let text = format!("input '{name}' must be INT32 or INT64 in host memory");
                Err(InferError::Backend(text.into()))
            }
        }
    }

    /// An FP32 input as rows of `RANK` axes.
    ///
    /// # Errors
    /// When it is missing, of another shape, or its rows are not the request's.
    pub(crate) fn rows<const RANK: usize>(
        &self,
        name: &str,
        layout: Layout,
    ) -> Result<Rows<'a, RANK>, InferError> {
        let shape = self.row_shape::<RANK>(name, layout)?;
        Ok(Rows { shape, numbers: self.floats(name)? })
    }

    /// The axes of one row of an input.
    ///
    /// # Errors
    /// When it is missing, or has another number of axes or rows.
    pub(crate) fn row_shape<const RANK: usize>(
        &self,
        name: &str,
        layout: Layout,
    ) -> Result<[usize; RANK], InferError> {
        let shape = self.tensor(name)?.shape();
        let rows = self.row_count(layout);
        match shape.split_last_chunk::<RANK>() {
            Some((&[], &row)) if layout == Layout::Single => Ok(row),
            Some((&[count], &row)) if count == rows => Ok(row),
            _ => {
                let text = match layout {
                    Layout::Batched => format!("{rows} rows of {RANK} axes"),
                    Layout::Single => format!("{RANK} axes, or 1 and {RANK} more"),
                };
                let text = format!("input '{name}' must have {text}, its shape is {shape:?}");
                Err(InferError::Invalid(text))
            }
        }
    }

    /// Rows of the request.
    pub(crate) fn row_count(&self, layout: Layout) -> usize {
        match layout {
            Layout::Batched => self.request.rows(),
            Layout::Single => 1,
        }
    }
}

/// An input row by row.
pub(crate) struct Rows<'a, const RANK: usize> {
    /// The axes of one.
    pub(crate) shape: [usize; RANK],
    numbers: Cow<'a, [f32]>,
}

impl<const RANK: usize> Rows<'_, RANK> {
    /// The numbers of row `index`.
    pub(crate) fn get(&self, index: usize) -> &[f32] {
        // The tensor exists, so the product fits.
        let size: usize = self.shape.iter().product();
        self.numbers.get(index * size..(index + 1) * size).unwrap_or_default()
    }
}

/// A tensor of an answer that cannot be made.
pub(crate) fn failed(error: &TensorError) -> InferError {
    InferError::Backend(format!("the answer cannot be a tensor: {error}").into())
}
