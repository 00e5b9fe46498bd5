//! How pictures were brought into a model's input, as requests say it.
#![allow(unsafe_code)]

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::enqueue;
use crate::cuda::{Letterboxes, Region, Said, read_letterboxes};
use crate::device::Allocation;
use crate::executor::{Executor, Work};

/// What is wrong with the values of each row: bits of [`crate::cuda::BAD_SIZE`] and others.
pub struct Faults(Allocation);

/// The inputs that say it, of all rows.
#[derive(Default)]
pub struct LetterboxTensors {
    /// FP32, scale and offset.
    pub transforms: Option<Tensor>,
    /// FP32, scale, where there are no transforms.
    pub scales: Option<Tensor>,
    /// FP32, offset, where there are no transforms.
    pub offsets: Option<Tensor>,
    /// INT32 or INT64, height and width.
    pub sizes: Option<Tensor>,
}

/// The way back to the pictures' own pixels; none, if nothing is said.
#[derive(Default)]
pub struct Way {
    transforms: Option<Allocation>,
    sizes: Option<Allocation>,
}

impl Faults {
    /// None yet.
    ///
    /// # Errors
    /// What the device tells.
    pub fn new(executor: &Executor, rows: usize) -> Result<Self, InferError> {
        let mut allocation = executor.stream().allocate(rows * size_of::<i32>())?;
        allocation.fill(0)?;
        Ok(Self(allocation))
    }

    /// As they are now: INT32 `[rows]`.
    ///
    /// # Errors
    /// What the device tells.
    pub fn tensor(self, executor: &Executor) -> Result<Tensor, InferError> {
        let rows = self.0.size_bytes() / size_of::<i32>();
        executor.tensor(DataType::Int32, vec![rows], self.0)
    }

    /// To be written by the stream's work alone.
    pub(super) fn region(&mut self) -> Region {
        region(&self.0)
    }
}

impl LetterboxTensors {
    /// Whether anything is said.
    pub fn is_empty(&self) -> bool {
        [&self.transforms, &self.scales, &self.offsets, &self.sizes].iter().all(|it| it.is_none())
    }

    /// The way back for `rows` rows. Twin: [`crate::cpu::Letterbox`].
    ///
    /// # Errors
    /// See [`read_letterboxes`], and what the device tells. What is wrong with values is in `faults`.
    pub fn read(
        &self,
        executor: &Executor,
        rows: usize,
        faults: &mut Faults,
    ) -> Result<Way, InferError> {
        let mut work = executor.work();
        let said = Said {
            transforms: read(&mut work, self.transforms.as_ref())?,
            scales: read(&mut work, self.scales.as_ref())?,
            offsets: read(&mut work, self.offsets.as_ref())?,
            sizes: read(&mut work, self.sizes.as_ref())?,
        };
        let (transforms, to) = work.allocate(rows * size_of::<[f32; 4]>())?;
        let has_sizes = said.sizes.is_some();
        let sizes = has_sizes.then(|| work.allocate(rows * size_of::<[i32; 2]>())).transpose()?;
        let to = (to, sizes.as_ref().map(|(_, region)| *region));
        // SAFETY: all regions are the work's, or the faults', which are of this stream.
        unsafe { enqueue(&work, read_letterboxes(&said, rows, to, faults.region())?) }?;
        Ok(Way { transforms: Some(transforms), sizes: sizes.map(|(sizes, _)| sizes) })
    }
}

impl Way {
    /// For work of the same stream.
    pub(super) fn regions(&self) -> Letterboxes {
        Letterboxes {
            transforms: self.transforms.as_ref().map(region),
            sizes: self.sizes.as_ref().map(region),
        }
    }
}

/// All of it.
pub(super) fn region(allocation: &Allocation) -> Region {
    Region::new(allocation.address(), allocation.size_bytes())
}

/// What is there, to be read by the work.
pub(super) fn read<'a>(
    work: &mut Work<'a>,
    tensor: Option<&'a Tensor>,
) -> Result<Option<Region>, InferError> {
    tensor.map(|tensor| work.read(tensor)).transpose()
}
