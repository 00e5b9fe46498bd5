//! JPEG bytes in, model-ready tensors out: `backend: "image"`.
//!
//! A model of this engine is its configuration; it has no file. It decodes JPEGs, resizes them,
//! orders their channels and normalises them, and writes FP32 tensors in NCHW layout. It reads no
//! other format, and does not rotate pictures as EXIF asks.
//!
//! # Parameters
//!
//! | key | value | unless stated |
//! |---|---|---|
//! | `resize` | `stretch`: to `width` x `height`; `fixed_height`: to `height`, the width by proportion, with padding on the right | `stretch` |
//! | `height` | rows of the output | must be stated |
//! | `width` | columns of the output; `stretch` only | must be stated |
//! | `width_multiple` | padded widths are multiples of this; `fixed_height` only, like the next three | 32 |
//! | `width_min` | least padded width, a multiple of `width_multiple` | `width_multiple` |
//! | `width_max` | greatest width, a multiple of `width_multiple`; wider pictures are squeezed | 4096 |
//! | `pad_value` | what is right of a picture, in the output's units | 0 |
//! | `channel_order` | `RGB` or `BGR` | `RGB` |
//! | `mean`, `scale` | `out = (level - mean) * scale` for levels of 0 to 255; one number, or three with commas, in `channel_order` | 0 and 1 |
//! | `pixels_max` | pictures with more pixels are refused before they are decoded | 67108864 |
//!
//! The pictures of one request are padded to the width of the widest.
//!
//! # Code
//!
//! - `options`: what the parameters say;
//! - `geometry`: how large the pictures become;
//! - `signature`: which input and output such a model has;
//! - `jpeg`: from untrusted bytes to pixels;
//! - `instance`: from a batch to its answers.

#![forbid(unsafe_code)]

mod geometry;
mod instance;
pub mod jpeg;
mod options;
#[cfg(test)]
mod samples;
mod signature;

use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

use instance::ImageInstance;
use options::Options;

/// The engine that decodes and prepares pictures on the CPU.
#[derive(Debug, Default)]
pub struct ImageBackend;

impl Backend for ImageBackend {
    fn name(&self) -> &'static str {
        "image"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        let options = Options::parse(&raw.parameters)?;
        signature::complete(&raw.signature, raw.rows_max, &options)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let options = Options::parse(&spec.parameters)?;
        let rows_max = if spec.is_batched { spec.rows_max } else { 0 };
        signature::complete(&spec.signature, rows_max, &options)?;
        Ok(Arc::new(ImageModel { spec, options }))
    }
}

/// A checked configuration.
struct ImageModel {
    spec: Arc<ModelSpec>,
    options: Options,
}

impl Model for ImageModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => Ok(Box::new(ImageInstance::new(&self.spec, self.options)?)),
            device @ DeviceId::Cuda(_) => Err(LoadError::new(format!(
                "the image backend runs on the CPU and cannot use {device}: \
                 set instance_group to kind KIND_CPU"
            ))),
        }
    }

    /// Not counted: the buffers of instances are bounded by the sizes of pictures.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}
