//! From a batch to its answers: headers first, which tell all sizes, then picture by picture.
//!
//! A bad picture fails its own request and no other.

mod buffers;
mod device;
mod pictures;
mod plan;
mod transform;

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::{Batch, response_of};
use nereid_backend::data_type::{DataType, Element};
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::request::{Answer, Request};
use nereid_backend::spec::ModelSpec;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Image, Level, ViewError, render};
use nereid_kernels::host_pool::HostPool;

use crate::error::PictureError;
use crate::options::Options;
use crate::picture::Workspace;
use crate::signature::{Names, pixels_of};
use buffers::{Buffers, PixelSpec, Place};
pub(crate) use device::DeviceInstance;
use plan::{Drawing, Plan, Planned, invalid};

/// One thread's decoder.
pub(crate) struct ImageInstance {
    contract: Contract,
    pool: HostPool,
    workspace: Workspace,
}

/// What a model takes and makes, wherever its instances are.
pub(crate) struct Contract {
    names: Names,
    /// The outputs, that of pictures among them.
    outputs: Vec<Arc<str>>,
    has_batch_axis: bool,
    pixels: PixelSpec,
    options: Options,
}

impl Contract {
    /// Of a model whose signature was checked.
    ///
    /// # Errors
    /// When the signature has no input or no output.
    pub(crate) fn new(spec: &ModelSpec, options: Options) -> Result<Self, LoadError> {
        let outputs = &spec.signature.outputs;
        let axes = pixels_of(outputs).map_or(0, |pixels| pixels.dims.len());
        Ok(Self {
            names: Names::of(&spec.signature)?,
            outputs: outputs.iter().map(|output| output.name.clone()).collect(),
            has_batch_axis: spec.is_batched || axes > options.dims().len(),
            pixels: PixelSpec {
                data_type: pixels_of(outputs).map_or(DataType::Fp32, |pixels| pixels.data_type),
                order: options.rendering.order,
                layout: options.rendering.layout,
            },
            options,
        })
    }

    /// Each request's rows of `tensors`, and what else is told of them.
    fn answer(
        &self,
        requests: &[Request],
        drawn: Vec<Result<Drawn, InferError>>,
        tensors: &[Result<Tensor, InferError>],
    ) -> Vec<Answer> {
        let part = |whole: &Tensor, rows: Range<usize>| {
            if self.has_batch_axis { whole.rows(rows) } else { Some(whole.clone()) }
        };
        let answer = |(request, drawn): (&Request, Result<Drawn, InferError>)| {
            let Drawn { place: Place { buffer, rows }, drawings } = drawn?;
            let mut outputs = transform::outputs(&drawings, &self.outputs, self.has_batch_axis)?;
            let whole = tensors[buffer].clone()?;
            if let Some(pixels) = part(&whole, rows) {
                outputs.push((self.names.pixels.clone(), pixels));
            }
            response_of(request, &outputs, |whole| Some(whole.clone()))
        };
        requests.iter().zip(drawn).map(answer).collect()
    }
}

impl ImageInstance {
    /// Makes an instance of a model; its outputs' memory is from `pool`.
    pub(crate) fn new(contract: Contract, pool: HostPool) -> Self {
        Self { contract, pool, workspace: Workspace::default() }
    }
}

impl Instance for ImageInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        batch.inputs_ready();
        let answers = self.run(batch.requests());
        batch.computed();
        batch.respond(answers);
        Running::Done
    }
}

/// What was drawn for a request.
struct Drawn {
    place: Place,
    drawings: Vec<Drawing>,
}

impl ImageInstance {
    fn run(&mut self, requests: &[Request]) -> Vec<Answer> {
        let plan = |request| Plan::of(request, &self.contract.names, &self.contract.options);
        let plans: Vec<_> = requests.iter().map(plan).collect();
        let pool = self.pool.clone();
        let mut buffers = Buffers::new(&pool, self.contract.pixels);
        for plan in plans.iter().flatten() {
            buffers.expect(plan.canvas, plan.drawings().count());
        }
        let mut drawn = Vec::with_capacity(requests.len());
        for (request, plan) in requests.iter().zip(plans) {
            drawn.push(plan.and_then(|plan| self.draw(request, plan, &mut buffers)));
        }
        self.workspace.trim();
        let tensors = buffers.into_tensors(self.contract.has_batch_axis);
        self.contract.answer(requests, drawn, &tensors)
    }

    /// Decodes a request's pictures into the next rows of their buffer, or none of them.
    fn draw(
        &mut self,
        request: &Request,
        plan: Plan<'_>,
        buffers: &mut Buffers<'_>,
    ) -> Result<Drawn, InferError> {
        if request.is_cancelled() {
            return Err(InferError::Cancelled(request.id.clone()));
        }
        let (count, canvas) = (plan.pictures.len(), plan.canvas);
        let drawings: Vec<_> = plan.drawings().copied().collect();
        let place = buffers.write(canvas, drawings.len(), |mut rows| {
            for (index, planned) in plan.pictures.into_iter().enumerate() {
                let drawn = self.draw_one(planned, &mut rows);
                drawn.map_err(|error| invalid(&self.contract.names, (index, count), &error))?;
            }
            Ok(())
        })?;
        Ok(Drawn { place, drawings })
    }

    /// Decodes a picture once and draws all that is drawn of it.
    fn draw_one<'r>(
        &mut self,
        planned: Planned<'_>,
        rows: &mut impl Iterator<Item = &'r mut [u8]>,
    ) -> Result<(), PictureError> {
        if planned.drawings.is_empty() {
            return Ok(());
        }
        let image = planned.picture.decode(&mut self.workspace)?;
        let told = |error: ViewError| PictureError::Raw(error.to_string());
        for (drawing, row) in planned.drawings.iter().zip(rows) {
            let part = image.part(drawing.part.start, drawing.part.size).map_err(told)?;
            let Contract { pixels, options, .. } = &self.contract;
            let rendered = match pixels.data_type {
                DataType::Uint8 => render_row::<u8>(&part, drawing, options, row),
                DataType::Fp16 => render_row::<f16>(&part, drawing, options, row),
                DataType::Fp64 => render_row::<f64>(&part, drawing, options, row),
                _ => render_row::<f32>(&part, drawing, options, row),
            };
            rendered.map_err(told)?;
        }
        Ok(())
    }
}

fn render_row<T: Level + Element>(
    part: &Image<'_>,
    drawing: &Drawing,
    options: &Options,
    row: &mut [u8],
) -> Result<(), ViewError> {
    render::<T>(part, &drawing.frame, &options.rendering, bytemuck::cast_slice_mut(row))
}

#[cfg(test)]
mod tests;
