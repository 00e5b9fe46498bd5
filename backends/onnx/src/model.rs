//! A loaded model: what its instances share, and how each is made.
//!
//! An output that no request wants is neither fetched nor checked, but computed all the same: only
//! training builds of ONNX Runtime can leave out nodes (microsoft/onnxruntime, issue 16483).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use nereid_backend::backend::{Instance, MemoryUsage, Model};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::spec::{InstanceSpec, ModelSpec};
use nereid_backend::tensor::Tensor;
use nereid_kernels::executor::{Executors, Tenant};
use ort::environment::Environment;

use crate::device::DeviceInstance;
use crate::host::{CpuInstance, Loaded};
use crate::names::Name;
use crate::parameters::Arena;
use crate::providers::Providers;
use crate::session_options::SessionOptions;
use crate::sys::{DeviceSession, SharedSession, Usage, told_bytes};

/// A loaded model.
pub(crate) struct OnnxModel {
    /// For its instances on the CPU; `None` if it has none.
    host: Option<Arc<Loaded>>,
    devices: OnDevices,
}

/// What sessions on devices are opened with.
struct OnDevices {
    environment: Environment,
    executors: Arc<Executors>,
    tenant: Tenant,
    spec: Arc<ModelSpec>,
    options: SessionOptions,
    /// `None` if the model has no instance on a device.
    providers: Option<Providers>,
    /// What the sessions that are open hold.
    usages: Mutex<Vec<Usage>>,
}

impl OnnxModel {
    /// Loads what instances on the CPU share, if there are any. Those on devices, which `providers` run,
    /// open their own sessions.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn new(
        environment: &Environment,
        executors: Arc<Executors>,
        (spec, options): (Arc<ModelSpec>, SessionOptions),
        providers: Option<Providers>,
    ) -> Result<Self, LoadError> {
        let is_on_host = spec.instances.iter().any(|instance| instance.device == DeviceId::Cpu);
        let host = is_on_host.then(|| {
            let session = SharedSession::open(environment, &spec.file, &options);
            let session = session.map_err(|cause| not_loaded(&spec, &cause))?;
            Loaded::new(session, options.parameters.arena, &spec).map(Arc::new)
        });
        let host = host.transpose()?;
        let devices = OnDevices {
            environment: environment.clone(),
            executors,
            tenant: Tenant::of(&spec),
            spec,
            options,
            providers,
            usages: Mutex::default(),
        };
        Ok(Self { host, devices })
    }
}

impl Model for OnnxModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match (spec.device, &self.host) {
            (DeviceId::Cuda(ordinal), _) => Ok(Box::new(self.devices.open(ordinal)?)),
            (DeviceId::Cpu, Some(host)) => Ok(Box::new(CpuInstance::new(host.clone())?)),
            (DeviceId::Cpu, None) => Err(LoadError::new("the model has no instance on the CPU")),
        }
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        let host = self.host.as_ref().and_then(|host| told_bytes(host.arena_bytes()));
        let host = host.map(|size_bytes| MemoryUsage { device: DeviceId::Cpu, size_bytes });
        let mut usages = self.devices.usages.lock().unwrap_or_else(PoisonError::into_inner);
        usages.retain(Usage::is_alive);
        let mut held = BTreeMap::new();
        for usage in host.into_iter().chain(usages.iter().filter_map(Usage::memory)) {
            *held.entry(usage.device).or_default() += usage.size_bytes;
        }
        let usage = |(device, size_bytes)| MemoryUsage { device, size_bytes };
        held.into_iter().map(usage).collect()
    }
}

impl OnDevices {
    fn open(&self, ordinal: u32) -> Result<DeviceInstance, LoadError> {
        let Self { environment, executors, tenant, spec, options, providers, usages } = self;
        let none = || LoadError::new("the model has no instance on a device");
        let providers = providers.as_ref().ok_or_else(none)?;
        let executor = executors.open(DeviceId::Cuda(ordinal), tenant)?;
        let session = DeviceSession::open(environment, (&spec.file, options), providers, executor);
        let session = session.map_err(|cause| providers.explain(not_loaded(spec, &cause)))?;
        tracing::info!("model '{}': {}", spec.name, session.assignment());
        let usage = session.usage();
        let is_shrunk = options.parameters.shrunk_gpus.contains(&ordinal);
        let arena = if is_shrunk && providers.have_arena() { Arena::Shrunk } else { Arena::Kept };
        let instance = DeviceInstance::new(session, spec, arena)?;
        usages.lock().unwrap_or_else(PoisonError::into_inner).push(usage);
        Ok(instance)
    }
}

fn not_loaded(spec: &ModelSpec, cause: &dyn std::fmt::Display) -> LoadError {
    let text = format!("ONNX Runtime cannot load {}: {cause}", spec.file.display());
    LoadError::new(text.trim_end()) // Some of its texts end a line.
}

/// Whether an output has `rows`, of a model that batches.
pub(crate) fn check_rows(
    output: &Name,
    tensor: &Tensor,
    rows: Option<usize>,
) -> Result<(), InferError> {
    let (name, shape) = (&output.name, tensor.shape());
    match rows {
        Some(rows) if shape.first() != Some(&rows) => {
            let text = format!("the model made output '{name}' of shape {shape:?}");
            Err(failed(format!("{text} for a batch of {rows}")))
        }
        _ => Ok(()),
    }
}

/// Whoever reads this has gone, so one request's name does for all.
pub(crate) fn cancelled(batch: &Batch) -> InferError {
    let id = batch.requests().first().map(|request| request.id.clone());
    InferError::Cancelled(id.unwrap_or_default())
}

/// An engine's fault.
pub(crate) fn failed(text: String) -> InferError {
    InferError::Backend(text.into())
}

#[cfg(test)]
mod tests;
