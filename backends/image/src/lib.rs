//! Pictures in, model-ready tensors out: `backend: "image"`.
//!
//! A model of this engine is its configuration; it has no file. It decodes JPEGs and PNGs, turns
//! them upright, resizes them or parts of them, orders their channels, normalises them, and writes
//! each into the tensor that the next model reads. `docs/image.md` lists the parameters.
//!
//! # Code
//!
//! - `options`: what the parameters say;
//! - `geometry`, `boxes`: how large the pictures become, and which parts of them;
//! - `signature`: which inputs and outputs such a model has;
//! - `picture`: what a client sent, as one of `jpeg`, `png` or levels, with `foreign` for what is
//!   none of them, `exif` for which way up it is, and `error`;
//! - `instance`: from a batch to its answers.

#![forbid(unsafe_code)]

mod boxes;
pub mod error;
mod exif;
mod foreign;
mod geometry;
mod instance;
mod jpeg;
mod options;
pub mod picture;
mod png;
#[cfg(test)]
mod samples;
mod signature;

use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

use nereid_kernels::host_pool::HostPool;

use instance::ImageInstance;
use options::Options;

/// Most bytes of outputs that are kept for the next requests: five of 1920x1080 in FP64.
const KEPT_BYTES_MAX: usize = 256 << 20;

/// The engine that decodes and prepares pictures on the CPU.
#[derive(Debug)]
pub struct ImageBackend {
    /// The memory of all its models' outputs.
    pool: HostPool,
}

impl Default for ImageBackend {
    fn default() -> Self {
        Self { pool: HostPool::new(KEPT_BYTES_MAX) }
    }
}

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
        Ok(Arc::new(ImageModel { spec, options, pool: self.pool.clone() }))
    }
}

/// A checked configuration.
struct ImageModel {
    spec: Arc<ModelSpec>,
    options: Options,
    pool: HostPool,
}

impl Model for ImageModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => {
                let pool = self.pool.clone();
                Ok(Box::new(ImageInstance::new(&self.spec, self.options, pool)?))
            }
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
