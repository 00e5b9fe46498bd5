//! A batch on a CUDA device: JPEGs are decoded there, by nvJPEG; other pictures here, as for the CPU, and
//! uploaded from pinned memory. All that comes after is done there, of all pictures of a shape by one
//! launch.
//!
//! The next batch is decoded and uploaded while the device still draws this one.

mod decode;
mod draw;

use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::request::{Answer, Request};
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Orientation, PixelFormat};
use nereid_kernels::device::DeviceBuffer;
use nereid_kernels::executor::Executor;
use nereid_kernels::nvjpeg::Decoder;

use super::buffers::{Canvas, Place};
use super::plan::{Drawing, Plan, Planned, invalid};
use super::{Contract, Drawn};
use crate::picture::{Coding, Workspace};

/// A thread's decoder, and what it has of a device.
pub(crate) struct DeviceInstance {
    contract: Contract,
    /// For JPEGs; `None` is the CPU.
    decoder: Option<Decoder>,
    executor: Executor,
    workspace: Workspace,
}

/// A picture on the device, as it is stored.
struct Uploaded {
    levels: Memory,
    coding: Coding,
    /// Columns and rows.
    size: (usize, usize),
    orientation: Orientation,
}

/// Where levels are on the device.
enum Memory {
    /// All of what was decoded there or brought there.
    Own(Arc<DeviceBuffer>),
    /// The tensor of a step before.
    Given(Tensor),
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
    pub(crate) fn new(contract: Contract, executor: Executor, decoder: Option<Decoder>) -> Self {
        Self { contract, decoder, executor, workspace: Workspace::default() }
    }

    fn run(&mut self, batch: &Batch) -> Vec<Answer> {
        let plans: Vec<_> = batch.requests().iter().map(|request| self.plan(request)).collect();
        let decoded = match decode::decode(self.decoder.as_mut(), &plans, batch.copies()) {
            Ok(decoded) => decoded,
            Err(error) => return plans.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let mut work = Work::default();
        let mut drawn = Vec::with_capacity(plans.len());
        for (plan, decoded) in plans.into_iter().zip(decoded) {
            drawn
                .push(plan.and_then(|plan| self.prepare(plan, decoded, &mut work, batch.copies())));
        }
        self.workspace.trim();
        let tensors = draw::draw(&self.executor, &self.contract, &work);
        self.contract.answer(batch.requests(), drawn, &tensors)
    }

    fn plan<'r>(&self, request: &'r Request) -> Result<Plan<'r>, InferError> {
        let plan = Plan::of(request, &self.contract.names, &self.contract.options)?;
        if request.is_cancelled() {
            return Err(InferError::Cancelled(request.id.clone()));
        }
        Ok(plan)
    }

    /// Decodes and uploads those of a request's pictures that are not on the device yet, or, if one is bad,
    /// leaves the work as it was.
    fn prepare(
        &mut self,
        plan: Plan<'_>,
        decoded: decode::Decoded,
        work: &mut Work,
        copies: &CopyCounter,
    ) -> Result<Drawn, InferError> {
        let (count, canvas, before) = (plan.pictures.len(), plan.canvas, work.pictures.len());
        let drawings: Vec<_> = plan.drawings().copied().collect();
        let mut sources = Vec::with_capacity(drawings.len());
        for (index, (planned, decoded)) in plan.pictures.into_iter().zip(decoded).enumerate() {
            let parts = planned.drawings.len();
            let uploaded = match decoded {
                Some(levels) => Ok(Some(Uploaded::decoded(levels, &planned))),
                None => self.upload(planned, (index, count), copies),
            };
            match uploaded {
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
        if let Some((tensor, coding)) = planned.picture.on_device() {
            // Of another device, it is copied across.
            let levels = Memory::Given(self.executor.together(tensor, &[], copies)?);
            return Ok(Some(Uploaded { levels, coding, size, orientation }));
        }
        let stored = planned.picture.decode_stored(&mut self.workspace);
        let stored = stored.map_err(|error| invalid(&self.contract.names, of, &error))?;
        let coding = stored.coding();
        let fill = |to: &mut [u8]| stored.write(to);
        let levels = Memory::Own(self.executor.upload(stored.size_bytes(), fill, copies)?);
        Ok(Some(Uploaded { levels, coding, size, orientation }))
    }
}

impl Uploaded {
    /// Of a picture that the device decoded.
    fn decoded(levels: Arc<DeviceBuffer>, planned: &Planned<'_>) -> Self {
        let (size, orientation) = planned.picture.stored();
        let coding = Coding::Levels(PixelFormat::Rgb);
        Self { levels: Memory::Own(levels), coding, size, orientation }
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
