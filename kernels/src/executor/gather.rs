//! The inputs of a batch as one tensor on the device.

use std::sync::Arc;

use nereid_backend::batch::{Batch, joined, shape_of_all};
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::tensor::{Storage, Tensor};

use super::Executor;
use crate::cuda::{Region, gather};
use crate::device::{
    Allocation, DeviceBuffer, DeviceError, Source, device_to_device, host_to_device,
};

impl Executor {
    /// The rows of the input `name` of all requests as one tensor on this device, or `None` if the
    /// requests do not have it. Rows that are here and lie side by side are taken as they are; others
    /// are brought together: those that are here by the copy kernel, those of the host by way of
    /// pinned memory, those of another device by a copy between devices. All of that is counted.
    ///
    /// # Errors
    /// [`InferError::Backend`] when the rows cannot be one tensor on a device, such as BYTES, and what
    /// the device tells: no memory, or that it is lost.
    pub fn gather(&self, batch: &Batch, name: &str) -> Result<Option<Tensor>, InferError> {
        let rows: Vec<&Tensor> =
            batch.requests().iter().filter_map(|request| request.input(name)).collect();
        let Some((&first, rest)) = rows.split_first() else { return Ok(None) };
        self.together(first, rest, batch.copies()).map(Some)
    }

    /// The rows of `first` and then of all of `rest` as one tensor on this device, as
    /// [`Executor::gather`].
    ///
    /// # Errors
    /// As [`Executor::gather`].
    pub fn together(
        &self,
        first: &Tensor,
        rest: &[&Tensor],
        copies: &CopyCounter,
    ) -> Result<Tensor, InferError> {
        if let Some(whole) = joined(first, rest).filter(|whole| whole.device() == self.device()) {
            return Ok(whole);
        }
        let shape = shape_of_all(first, rest).map_err(no_tensor)?;
        let all: Vec<&Tensor> = std::iter::once(first).chain(rest.iter().copied()).collect();
        let is_on_host = all.iter().all(|tensor| tensor.device() == DeviceId::Cpu);
        let home = if is_on_host { &self.uploads } else { &self.stream };
        let mut to = home.allocate(all.iter().map(|tensor| tensor.size_bytes()).sum())?;
        let mut start = 0;
        for run in all.chunk_by(|one, next| one.device() == next.device()) {
            let size_bytes = run.iter().map(|tensor| tensor.size_bytes()).sum();
            match run[0].device() {
                DeviceId::Cpu => stage(&mut to, (start, size_bytes), run, copies)?,
                device if device == self.device() => {
                    self.gather_here(&to, (start, size_bytes), run, copies)?;
                }
                _ => across(&mut to, start, run, copies)?,
            }
            start += size_bytes;
        }
        Tensor::new(first.data_type(), shape, Storage::Device(to.ready()?)).map_err(no_tensor)
    }

    /// What `fill` writes to `size_bytes` of pinned memory, all of it, on the device. Kernels wait there
    /// for the copy, which waits for none of them.
    ///
    /// # Errors
    /// What the device tells: no memory of either kind, or that it is lost.
    pub fn upload(
        &self,
        size_bytes: usize,
        fill: impl FnOnce(&mut [u8]),
        copies: &CopyCounter,
    ) -> Result<Arc<DeviceBuffer>, DeviceError> {
        let mut pinned = self.uploads.pinned(size_bytes)?;
        fill(pinned.as_mut());
        let mut to = self.uploads.allocate(size_bytes)?;
        host_to_device(&mut to, 0, Source::Pinned(pinned), copies)?;
        to.ready()
    }

    #[allow(unsafe_code)]
    fn gather_here(
        &self,
        to: &Allocation,
        (start, size_bytes): (usize, usize),
        rows: &[&Tensor],
        copies: &CopyCounter,
    ) -> Result<(), InferError> {
        let mut work = self.work();
        let mut parts = Vec::with_capacity(rows.len());
        for tensor in rows {
            parts.push(work.read(tensor)?);
        }
        let whole = Region::new(to.address() + start as u64, size_bytes);
        for launch in gather(&parts, whole)? {
            // SAFETY: the work reads the parts; the whole is of an allocation of this stream, in
            // which it has room.
            unsafe { work.launch(&launch) }?;
        }
        copies.add(Copy::Gather, size_bytes);
        Ok(())
    }
}

/// One copy, from pinned memory in which the rows lie side by side.
fn stage(
    to: &mut Allocation,
    (start, size_bytes): (usize, usize),
    rows: &[&Tensor],
    copies: &CopyCounter,
) -> Result<(), InferError> {
    let mut pinned = to.home().pinned(size_bytes)?;
    let mut free = pinned.as_mut();
    for bytes in rows.iter().filter_map(|tensor| tensor.host()) {
        let (place, rest) = free.split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        free = rest;
    }
    Ok(host_to_device(to, start, Source::Pinned(pinned), copies)?)
}

fn across(
    to: &mut Allocation,
    mut start: usize,
    rows: &[&Tensor],
    copies: &CopyCounter,
) -> Result<(), InferError> {
    for tensor in rows {
        let (buffer, range) = DeviceBuffer::of(tensor).ok_or_else(|| foreign(tensor))?;
        device_to_device(to, start, buffer, &range, copies)?;
        start += range.len();
    }
    Ok(())
}

/// That memory of a device was made by something else than [`crate::device`].
pub(super) fn foreign(tensor: &Tensor) -> InferError {
    InferError::Backend(format!("{tensor:?}: this memory is not known to the device layer").into())
}

fn no_tensor(error: impl std::fmt::Display) -> InferError {
    InferError::Backend(format!("rows of several requests: {error}").into())
}

impl From<crate::cuda::LaunchError> for InferError {
    fn from(error: crate::cuda::LaunchError) -> Self {
        Self::Backend(format!("a kernel is not launched: {error}").into())
    }
}
