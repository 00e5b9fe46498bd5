//! The heads that close a pipeline, from a model's numbers to what a client asked for:
//! `backend: "postprocess"`.
//!
//! A model of this engine is its configuration; it has no file. `parameters` name the operation;
//! `docs/postprocess.md` tells the inputs, outputs, parameters and formula of each. In reading
//! order:
//!
//! - `head`: what every operation is made of;
//! - `parameters`: what `config.pbtxt` says, read with all its mistakes;
//! - `ports`: which inputs and outputs a model has;
//! - `labels`: the file that names the classes;
//! - `letterbox`: how a picture was brought into a model's input;
//! - `found`: lists of things, padded where requests share a batch;
//! - `heads`: the operations;
//! - `instance`: from a batch to its answers.
//!
//! The arithmetic is in `nereid_kernels::cpu`, which knows nothing of models or requests.

#![forbid(unsafe_code)]

mod found;
mod head;
mod heads;
mod instance;
mod labels;
mod letterbox;
mod parameters;
mod ports;

use std::sync::Arc;

use nereid_backend::backend::{Backend, Gpus, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

use head::Head;
use instance::HeadInstance;

/// The engine of the heads, on the CPU.
#[derive(Debug, Default)]
pub struct PostprocessBackend;

impl Backend for PostprocessBackend {
    fn name(&self) -> &'static str {
        "postprocess"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn gpus(&self) -> Gpus {
        Gpus::Unsupported
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        heads::parse(&raw.parameters)?.complete(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let operation = heads::parse(&spec.parameters)?;
        let rows_max = if spec.is_batched { spec.rows_max } else { 0 };
        let signature = operation.complete(&spec.signature, rows_max)?;
        Ok(Arc::new(HeadModel { head: operation.open(&signature, rows_max)? }))
    }
}

/// A checked configuration.
struct HeadModel {
    head: Arc<dyn Head>,
}

impl Model for HeadModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => Ok(Box::new(HeadInstance { head: self.head.clone() })),
            device @ DeviceId::Cuda(_) => Err(LoadError::new(format!(
                "the postprocess backend runs on the CPU and cannot use {device}: \
                 set instance_group to kind KIND_CPU"
            ))),
        }
    }

    /// Not counted: it holds no more than its labels.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
