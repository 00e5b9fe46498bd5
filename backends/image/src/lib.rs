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
//! - `nvjpegs`: who decodes JPEGs on devices;
//! - `instance`: from a batch to its answers.

// Allowed only where kernels are launched, with the reason.
#![deny(unsafe_code)]

mod boxes;
pub mod error;
mod exif;
mod foreign;
mod geometry;
mod instance;
mod jpeg;
mod nvjpegs;
mod options;
pub mod picture;
mod png;
#[cfg(test)]
mod samples;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

use nereid_kernels::device::{Absence, Devices};
use nereid_kernels::executor::{Executors, Tenant};
use nereid_kernels::host_pool::HostPool;

use instance::{Contract, DeviceInstance, ImageInstance};
use nvjpegs::Nvjpegs;
use options::{JpegDecoder, Options};

/// Most bytes of outputs that are kept for the next requests: five of 1920x1080 in FP64.
const KEPT_BYTES_MAX: usize = 256 << 20;

/// The engine that decodes pictures on the CPU, and prepares them there or on a CUDA device.
pub struct ImageBackend {
    /// The memory of all its models' outputs on the host.
    pool: HostPool,
    executors: Arc<Executors>,
    nvjpegs: Arc<Nvjpegs>,
}

impl ImageBackend {
    /// An engine that can use these devices.
    pub fn new(devices: Devices) -> Self {
        let executors = Arc::new(Executors::new(devices));
        Self { pool: HostPool::new(KEPT_BYTES_MAX), executors, nvjpegs: Arc::default() }
    }
}

impl Default for ImageBackend {
    /// On the CPU alone.
    fn default() -> Self {
        Self::new(Devices::absent(Absence::NotLooked))
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

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        self.executors.devices().ordinals()
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        let options = Options::parse(&raw.parameters)?;
        signature::complete(&raw.signature, raw.rows_max, &options)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let options = Options::parse(&spec.parameters)?;
        let rows_max = if spec.is_batched { spec.rows_max } else { 0 };
        signature::complete(&spec.signature, rows_max, &options)?;
        Ok(Arc::new(ImageModel {
            tenant: Tenant::of(&spec),
            spec,
            options,
            pool: self.pool.clone(),
            executors: self.executors.clone(),
            nvjpegs: self.nvjpegs.clone(),
        }))
    }
}

/// A checked configuration.
struct ImageModel {
    spec: Arc<ModelSpec>,
    tenant: Tenant,
    options: Options,
    pool: HostPool,
    executors: Arc<Executors>,
    nvjpegs: Arc<Nvjpegs>,
}

impl Model for ImageModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let contract = Contract::new(&self.spec, self.options)?;
        match spec.device {
            DeviceId::Cpu if self.options.decoder == JpegDecoder::Nvjpeg => Err(LoadError::new(
                "parameter 'decoder' is \"nvjpeg\", which decodes on GPUs alone: give the model \
                     instances of kind KIND_GPU, or set it to \"auto\"",
            )),
            DeviceId::Cpu => Ok(Box::new(ImageInstance::new(contract, self.pool.clone()))),
            device @ DeviceId::Cuda(_) => {
                let executor = self.executors.open(device, &self.tenant)?;
                let decoder = self.nvjpegs.decoder(self.options.decoder, executor.uploads())?;
                Ok(Box::new(DeviceInstance::new(contract, executor, decoder)))
            }
        }
    }

    /// Not counted: the buffers of instances are bounded by the sizes of pictures.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}
