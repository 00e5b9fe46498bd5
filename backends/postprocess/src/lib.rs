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
//! - `instance`: from a batch to its answers;
//! - `device`: the same on a device.
//!
//! The arithmetic is in `nereid_kernels::cpu` and `nereid_kernels::heads`, which know nothing of models
//! or requests.

#![forbid(unsafe_code)]

mod device;
mod found;
mod head;
mod heads;
mod instance;
mod labels;
mod letterbox;
mod parameters;
mod ports;

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};
use nereid_kernels::device::Devices;
use nereid_kernels::executor::{Executors, Tenant};

use device::DeviceInstance;
use head::Head;
use instance::HeadInstance;
use ports::Layout;

/// The engine of the heads, on the CPU, and on CUDA devices where an operation has kernels.
pub struct PostprocessBackend {
    executors: Arc<Executors>,
}

impl PostprocessBackend {
    /// With these devices, which may be none.
    pub fn new(devices: Devices) -> Self {
        Self { executors: Arc::new(Executors::new(devices)) }
    }
}

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

    fn gpus(&self, parameters: &BTreeMap<String, String>) -> Vec<u32> {
        let stated = parameters.get(parameters::OPERATION).map(|text| text.trim());
        // Asked for a device all the same, an instance says which operations have kernels.
        let has_kernels = stated.is_some_and(|operation| heads::ON_DEVICES.contains(&operation));
        if has_kernels { self.executors.devices().ordinals() } else { Vec::new() }
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        heads::parse(&raw.parameters)?.complete(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let operation = heads::parse(&spec.parameters)?;
        let rows_max = if spec.is_batched { spec.rows_max } else { 0 };
        let signature = operation.complete(&spec.signature, rows_max)?;
        let layout = if spec.is_batched { Layout::Batched } else { Layout::Single };
        let head = operation.open(&signature, rows_max)?;
        let (tenant, executors) = (Tenant::of(&spec), self.executors.clone());
        Ok(Arc::new(HeadModel { tenant, layout, head, executors }))
    }
}

/// A checked configuration.
struct HeadModel {
    tenant: Tenant,
    layout: Layout,
    head: Arc<dyn Head>,
    executors: Arc<Executors>,
}

impl Model for HeadModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => Ok(Box::new(HeadInstance { head: self.head.clone() })),
            device @ DeviceId::Cuda(_) => {
                let head = self.head.clone().on_device().ok_or_else(|| {
                    LoadError::new(format!(
                        "the operation runs on the CPU and cannot use {device}: set instance_group \
                         to kind KIND_CPU; those with kernels for devices are {}",
                        heads::ON_DEVICES.join(", ")
                    ))
                })?;
                let executor = self.executors.open(device, &self.tenant)?;
                Ok(Box::new(DeviceInstance { head, executor, layout: self.layout }))
            }
        }
    }

    /// Not counted: it holds no more than its labels.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
