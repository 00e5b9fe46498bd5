//! JPEG bytes in, model-ready tensors out: `backend: "image"`.
//!
//! A model of this engine is its configuration; it has no file. It decodes JPEGs, resizes them,
//! orders their channels and normalises them, and writes FP32 tensors in NCHW layout. In reading
//! order:
//!
//! - [`options`]: what `parameters` of `config.pbtxt` say;
//! - [`geometry`]: how large the pictures become;
//! - [`signature`]: which input and output such a model has;
//! - [`jpeg`]: from untrusted bytes to pixels;
//! - [`instance`]: from a batch to its answers.
//!
//! It does not rotate pictures as EXIF asks, and it reads no other format than JPEG.

#![forbid(unsafe_code)]

mod geometry;
mod instance;
mod jpeg;
mod options;
#[cfg(test)]
mod samples;
mod signature;

use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, Model};
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
}
