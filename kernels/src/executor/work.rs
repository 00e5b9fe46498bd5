//! Kernels that are enqueued together, and the memory that they read and write.
#![allow(unsafe_code)]

use std::sync::Arc;

use bytemuck::NoUninit;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::{Storage, Tensor};

use super::Executor;
use super::gather::foreign;
use crate::cuda::{Launch, Region};
use crate::device::{Allocation, DeviceBuffer, DeviceError, Reading};

/// Kernels of one batch, as far as they are enqueued, and the memory that they read.
pub struct Work<'a> {
    executor: &'a Executor,
    /// Their ends are recorded when this is dropped, behind all that was launched.
    readings: Vec<Reading<'a>>,
}

impl Executor {
    /// Nothing yet.
    pub fn work(&self) -> Work<'_> {
        Work { executor: self, readings: Vec::new() }
    }

    /// What was written to `allocation` by now, and is written to it no more, as a tensor.
    ///
    /// # Errors
    /// [`InferError::Backend`] when it has another size, or when the device is lost.
    pub fn tensor(
        &self,
        data_type: DataType,
        shape: Vec<usize>,
        allocation: Allocation,
    ) -> Result<Tensor, InferError> {
        let storage = Storage::Device(allocation.ready()?);
        Tensor::new(data_type, shape, storage)
            .map_err(|error| InferError::Backend(format!("an output: {error}").into()))
    }
}

impl<'a> Work<'a> {
    /// Where the elements of `tensor`, which is on the device, are read by what is launched from now
    /// on, after those who write them.
    ///
    /// # Errors
    /// [`InferError::Backend`] when it is not on the device, or when that is lost.
    pub fn read(&mut self, tensor: &'a Tensor) -> Result<Region, InferError> {
        let (buffer, range) = DeviceBuffer::of(tensor).ok_or_else(|| foreign(tensor))?;
        let reading = buffer.read(&self.executor.stream)?;
        let region = Region::new(reading.place(&range)?, range.len());
        self.readings.push(reading);
        Ok(region)
    }

    /// As [`Work::read`], of all of a buffer.
    ///
    /// # Errors
    /// As [`Work::read`].
    pub fn read_buffer(&mut self, buffer: &'a Arc<DeviceBuffer>) -> Result<Region, DeviceError> {
        let reading = buffer.read(&self.executor.stream)?;
        let region = Region::new(reading.address(), reading.size_bytes());
        self.readings.push(reading);
        Ok(region)
    }

    /// New memory of unspecified contents, and where it is.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`], or when the device is lost.
    pub fn allocate(&self, size_bytes: usize) -> Result<(Allocation, Region), DeviceError> {
        let allocation = self.executor.stream.allocate(size_bytes)?;
        let region = Region::new(allocation.address(), size_bytes);
        Ok((allocation, region))
    }

    /// Enqueues a launch.
    ///
    /// # Errors
    /// See [`crate::cuda::Kernels::launch`].
    ///
    /// # Safety
    /// What the launch reads is of regions that this work gave out, or of allocations of its
    /// executor's stream that are still there; what it writes, of the latter alone.
    pub unsafe fn launch<A: NoUninit>(&self, launch: &Launch<A>) -> Result<(), DeviceError> {
        // SAFETY: readings and allocations are of this stream; the rest is the caller's promise.
        unsafe { self.executor.kernels.launch(&self.executor.stream, launch) }
    }
}
