//! From a batch to its answers: headers first, which tell all sizes, then picture by picture.
//!
//! A bad picture fails its own request and no other.

mod buffers;
mod files;

use std::ops::Range;
use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::{Batch, response_of};
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::request::{Answer, Request};
use nereid_backend::spec::ModelSpec;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Planes, resize_normalize};

use crate::geometry::OUTPUT_PIXELS_MAX;
use crate::jpeg::{Encoded, JpegError};
use crate::options::Options;
use buffers::{Buffers, Place};

/// Most memory that is kept between batches to decode into: room for a 4K picture. After a larger
/// one it is given back.
const PIXELS_KEPT_BYTES_MAX: usize = 32 << 20;

/// One thread's decoder.
pub(crate) struct ImageInstance {
    input: Arc<str>,
    output: Arc<str>,
    has_batch_axis: bool,
    options: Options,
    /// The picture that is being decoded, as interleaved RGB.
    pixels: Vec<u8>,
}

impl ImageInstance {
    /// Makes an instance of a model whose signature was checked.
    ///
    /// # Errors
    /// When the signature has no input or no output.
    pub(crate) fn new(spec: &ModelSpec, options: Options) -> Result<Self, LoadError> {
        let (inputs, outputs) = (&spec.signature.inputs, &spec.signature.outputs);
        let (Some(input), Some(output)) = (inputs.first(), outputs.first()) else {
            return Err(LoadError::new("the image backend needs one input and one output"));
        };
        Ok(Self {
            input: input.name.clone(),
            output: output.name.clone(),
            has_batch_axis: spec.is_batched || output.dims.len() > options.resize.dims().len(),
            options,
            pixels: Vec::new(),
        })
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

/// A request's pictures before they are decoded.
struct Plan<'a> {
    files: Vec<Encoded<'a>>,
    /// Of all its pictures in the output, padding included.
    width: usize,
}

impl ImageInstance {
    fn run(&mut self, requests: &[Request]) -> Vec<Answer> {
        let plans: Vec<_> = requests.iter().map(|request| self.plan(request)).collect();
        let mut buffers = Buffers::new(self.options.resize.height());
        for plan in plans.iter().flatten() {
            buffers.expect(plan.width, plan.files.len());
        }
        let mut places = Vec::with_capacity(requests.len());
        for (request, plan) in requests.iter().zip(plans) {
            places.push(plan.and_then(|plan| self.draw(request, plan, &mut buffers)));
        }
        if self.pixels.capacity() > PIXELS_KEPT_BYTES_MAX {
            self.pixels = Vec::new();
        }
        self.answer(requests, places, buffers)
    }

    /// Reads the headers of a request's pictures.
    fn plan<'a>(&self, request: &'a Request) -> Result<Plan<'a>, InferError> {
        let files = request.input(&self.input).and_then(files::of).unwrap_or_default();
        if files.is_empty() {
            return Err(InferError::Invalid(format!("input '{}' has no image", self.input)));
        }
        let open = |(index, &file): (usize, &&'a [u8])| {
            let opened = Encoded::open(file, self.options.pixels_max);
            opened.map_err(|error| self.invalid(index, files.len(), &error))
        };
        let opened: Vec<_> = files.iter().enumerate().map(open).collect::<Result<_, _>>()?;
        let resize = &self.options.resize;
        let widths = opened.iter().map(|file| resize.picture_width(file.size()));
        let width = resize.padded_width(widths.max().unwrap_or_default());
        let pixels = width * resize.height() * opened.len();
        if pixels > OUTPUT_PIXELS_MAX {
            return Err(InferError::Invalid(format!(
                "input '{}': {} images make an output of {pixels} pixels, more than the \
                 {OUTPUT_PIXELS_MAX} that a request may have: send fewer at once",
                self.input,
                opened.len()
            )));
        }
        Ok(Plan { files: opened, width })
    }

    /// Decodes a request's pictures into the next rows of their buffer, or none of them.
    fn draw(
        &mut self,
        request: &Request,
        plan: Plan<'_>,
        buffers: &mut Buffers,
    ) -> Result<Place, InferError> {
        if request.is_cancelled() {
            return Err(InferError::Cancelled(request.id.clone()));
        }
        let count = plan.files.len();
        buffers.write(plan.width, count, |rows| {
            for (index, (file, row)) in plan.files.into_iter().zip(rows).enumerate() {
                self.draw_one(file, row, plan.width)
                    .map_err(|error| self.invalid(index, count, &error))?;
            }
            Ok(())
        })
    }

    fn draw_one(
        &mut self,
        file: Encoded<'_>,
        row: &mut [f32],
        width: usize,
    ) -> Result<(), JpegError> {
        let resize = &self.options.resize;
        let size = (resize.picture_width(file.size()), resize.height());
        let image = file.decode(&mut self.pixels)?;
        let planes = Planes::new(row, width, size);
        let mut planes = planes.map_err(|error| JpegError::Broken(error.to_string()))?;
        let Options { normalization, pad_value, .. } = &self.options;
        resize_normalize(&image, &mut planes, normalization, *pad_value);
        Ok(())
    }

    /// Says which picture of a request is bad; it is the only one if `count` is 1.
    fn invalid(&self, index: usize, count: usize, error: &JpegError) -> InferError {
        let input = &self.input;
        InferError::Invalid(match count {
            1 => format!("input '{input}': {error}"),
            _ => format!("input '{input}'[{index}]: {error}"),
        })
    }

    fn answer(
        &self,
        requests: &[Request],
        places: Vec<Result<Place, InferError>>,
        buffers: Buffers,
    ) -> Vec<Answer> {
        let tensors = buffers.into_tensors(self.has_batch_axis);
        let part = |whole: &Tensor, rows: Range<usize>| {
            if self.has_batch_axis { whole.rows(rows) } else { Some(whole.clone()) }
        };
        let answer = |(request, place): (&Request, Result<Place, InferError>)| {
            let Place { buffer, rows } = place?;
            let outputs = vec![(self.output.clone(), tensors[buffer].clone()?)];
            response_of(request, &outputs, |whole| part(whole, rows.clone()))
        };
        requests.iter().zip(places).map(answer).collect()
    }
}

#[cfg(test)]
mod tests;
