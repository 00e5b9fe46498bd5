//! A batch on a CUDA device: pictures are decoded here, as for the CPU, and uploaded from pinned
//! memory; all that comes after is done there, of all pictures of a shape by one launch.
//!
//! The next batch is decoded and uploaded while the device still draws this one.

mod draw;

use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::request::{Answer, Request};
use nereid_kernels::cpu::Orientation;
use nereid_kernels::device::DeviceBuffer;
use nereid_kernels::executor::Executor;

use super::buffers::{Canvas, Place};
use super::plan::{Drawing, Plan, Planned, invalid};
use super::{Contract, Drawn};
use crate::picture::{Coding, Workspace};

/// A thread's decoder, and what it has of a device.
pub(crate) struct DeviceInstance {
    contract: Contract,
    executor: Executor,
    workspace: Workspace,
}

/// A picture on the device, as it is stored.
struct Uploaded {
    levels: Arc<DeviceBuffer>,
    coding: Coding,
    /// Columns and rows.
    size: (usize, usize),
    orientation: Orientation,
}

/// What is drawn into one tensor.
struct Group {
    canvas: Canvas,
    /// Of which of the uploaded pictures, and what of it.
    drawings: Vec<(usize, Drawing)>,
}

/// What a batch needs of the device.
#[derive(Default)]
struct Work {
    pictures: Vec<Uploaded>,
    groups: Vec<Group>,
}

impl DeviceInstance {
    /// Makes an instance of a model whose signature was checked.
    pub(crate) fn new(contract: Contract, executor: Executor) -> Self {
        Self { contract, executor, workspace: Workspace::default() }
    }

    fn run(&mut self, batch: &Batch) -> Vec<Answer> {
        let mut work = Work::default();
        let mut drawn = Vec::with_capacity(batch.requests().len());
        for request in batch.requests() {
            drawn.push(self.prepare(request, &mut work, batch.copies()));
        }
        self.workspace.trim();
        let tensors = draw::draw(&self.executor, &self.contract, &work);
        self.contract.answer(batch.requests(), drawn, &tensors)
    }

    /// Decodes and uploads a request's pictures, or, if one is bad, leaves the work as it was.
    fn prepare(
        &mut self,
        request: &Request,
        work: &mut Work,
        copies: &CopyCounter,
    ) -> Result<Drawn, InferError> {
        let plan = Plan::of(request, &self.contract.names, &self.contract.options)?;
        if request.is_cancelled() {
            return Err(InferError::Cancelled(request.id.clone()));
        }
        let (count, canvas, before) = (plan.pictures.len(), plan.canvas, work.pictures.len());
        let drawings: Vec<_> = plan.drawings().copied().collect();
        let mut sources = Vec::with_capacity(drawings.len());
        for (index, planned) in plan.pictures.into_iter().enumerate() {
            let parts = planned.drawings.len();
            match self.upload(planned, (index, count), copies) {
                Ok(None) => {}
                Ok(Some(uploaded)) => {
                    sources.extend(std::iter::repeat_n(work.pictures.len(), parts));
                    work.pictures.push(uploaded);
                }
                Err(error) => {
                    work.pictures.truncate(before);
                    return Err(error);
                }
            }
        }
        let buffer = work.group(canvas);
        let group = &mut work.groups[buffer].drawings;
        let start = group.len();
        group.extend(sources.into_iter().zip(drawings.iter().copied()));
        Ok(Drawn { place: Place { buffer, rows: start..group.len() }, drawings })
    }

    /// The picture on the device; `None` if nothing is drawn of it.
    fn upload(
        &mut self,
        planned: Planned<'_>,
        of: (usize, usize),
        copies: &CopyCounter,
    ) -> Result<Option<Uploaded>, InferError> {
        if planned.drawings.is_empty() {
            return Ok(None);
        }
        let (size, orientation) = planned.picture.stored();
        let stored = planned.picture.decode_stored(&mut self.workspace);
        let stored = stored.map_err(|error| invalid(&self.contract.names, of, &error))?;
        let coding = stored.coding();
        let fill = |to: &mut [u8]| stored.write(to);
        let levels = self.executor.upload(stored.size_bytes(), fill, copies)?;
        Ok(Some(Uploaded { levels, coding, size, orientation }))
    }
}

impl Instance for DeviceInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        let answers = self.run(&batch);
        batch.inputs_ready();
        self.executor.answer(batch, |batch| batch.respond(answers))
    }
}

impl Work {
    /// The group of pictures on a `canvas`, which is made if it is new.
    fn group(&mut self, canvas: Canvas) -> usize {
        self.groups.iter().position(|group| group.canvas == canvas).unwrap_or_else(|| {
            self.groups.push(Group { canvas, drawings: Vec::new() });
            self.groups.len() - 1
        })
    }
}

#[cfg(test)]
mod tests;
