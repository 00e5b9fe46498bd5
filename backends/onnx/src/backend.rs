//! The engine: tells what a file holds, and loads it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use nereid_backend::backend::{Backend, Model};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use nereid_kernels::device::{Absence, Devices};
use nereid_kernels::executor::Executors;
use ort::environment::Environment;

use crate::graph::Graph;
use crate::model::OnnxModel;
use crate::parameters::Parameters;
use crate::providers::{self, Providers};
use crate::session_options::SessionOptions;
use crate::settings::Settings;
use crate::sys::{Plugin, is_built_in};

/// ONNX Runtime; [`init`](crate::init) makes it, if there is a library.
pub struct OnnxRuntime {
    /// Or why there is none: then it looks into files, and loads nothing.
    environment: Result<Environment, LoadError>,
    settings: Settings,
    executors: Arc<Executors>,
    /// The library of the settings, opened for the first model on a device.
    plugin: OnceLock<Result<Arc<Plugin>, LoadError>>,
}

impl OnnxRuntime {
    pub(crate) fn new(environment: Environment, settings: Settings) -> Self {
        Self::with(Ok(environment), settings)
    }

    /// An engine that tells what files hold, for which no library is needed, and refuses to load
    /// them for `reason`.
    pub fn without_library(reason: LoadError, settings: Settings) -> Self {
        Self::with(Err(reason), settings)
    }

    fn with(environment: Result<Environment, LoadError>, settings: Settings) -> Self {
        let none = Devices::absent(Absence::NotLooked);
        let executors = Arc::new(Executors::new(none));
        Self { environment, settings, executors, plugin: OnceLock::new() }
    }

    /// The same engine, whose instances may be on these devices too.
    #[must_use]
    pub fn on(self, devices: Devices) -> Self {
        Self { executors: Arc::new(Executors::new(devices)), ..self }
    }

    pub(crate) fn environment(&self) -> Result<&Environment, LoadError> {
        self.environment.as_ref().map_err(Clone::clone)
    }

    /// Whether the library, or another one, has a provider for devices, if that can be loaded.
    fn has_provider(&self) -> bool {
        let is_built_in = || is_built_in("CUDAExecutionProvider").unwrap_or(false);
        self.settings.provider_library.is_some() || self.environment.is_ok() && is_built_in()
    }

    /// What runs a model on devices.
    fn providers(&self, spec: &ModelSpec, parameters: &Parameters) -> Result<Providers, LoadError> {
        let plugin = self.plugin()?;
        if plugin.is_none() && !self.has_provider() {
            return Err(providers::none());
        }
        Providers::new(spec, parameters, plugin.as_ref())
    }

    fn plugin(&self) -> Result<Option<Arc<Plugin>>, LoadError> {
        let Some(library) = &self.settings.provider_library else { return Ok(None) };
        let open = || {
            let opened = Plugin::open(self.environment()?, library).map_err(|cause| {
                let path = library.display();
                LoadError::new(format!("cannot use {path} as an execution provider: {cause}"))
            })?;
            tracing::info!("{} runs ONNX models on devices", opened.provider());
            Ok(Arc::new(opened))
        };
        self.plugin.get_or_init(open).clone().map(Some)
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("model.onnx")
    }

    fn rows_max_default(&self) -> usize {
        self.settings.rows_max_default
    }

    /// Without a provider, models that do not say where they run stay on the CPU.
    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        if self.has_provider() { self.executors.devices().ordinals() } else { Vec::new() }
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        Parameters::parse(&raw.parameters)?;
        Graph::read(&raw.file)?.signature(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let environment = self.environment()?;
        let options = SessionOptions::new(&spec, &self.settings)?;
        let first = spec.instances.iter().find(|instance| instance.device != DeviceId::Cpu);
        let providers = match first {
            Some(instance) => {
                self.executors.devices().find(instance.device)?;
                Some(self.providers(&spec, &options.parameters)?)
            }
            None => None,
        };
        let has_cuda = providers.as_ref().is_some_and(Providers::have_arena);
        for key in options.parameters.cuda.keys().filter(|_| !has_cuda) {
            let (name, text) = (&spec.name, "has no effect without ONNX Runtime's CUDA provider");
            tracing::warn!("model '{name}': parameter '{key}' {text}");
        }
        let executors = self.executors.clone();
        Ok(Arc::new(OnnxModel::new(environment, executors, (spec, options), providers)?))
    }
}

#[cfg(test)]
mod tests {
    use nereid_backend::spec::{EngineOptions, ModelSpec};

    use super::*;
    use crate::fixture::{FLOAT, Folder, Onnx};

    #[test]
    fn files_are_looked_into_without_the_library() {
        let reason = LoadError::new("there is no library");
        let engine = OnnxRuntime::without_library(reason, Settings::default());
        let folder = Folder::new("without_library");
        let model = Onnx::new().input("x", FLOAT, &[-1, 3]).output("y", FLOAT, &[-1]).encode();
        let file = folder.write("model.onnx", &model);
        let raw = RawSpec { file: file.clone(), ..RawSpec::default() };
        let signature = engine.inspect(&raw).unwrap();
        assert_eq!(&*signature.inputs[0].name, "x");
        let spec = ModelSpec {
            name: "m".into(),
            version: 1,
            file,
            signature,
            is_batched: false,
            rows_max: 1,
            parameters: raw.parameters,
            engine: EngineOptions::default(),
            instances: Vec::new(),
        };
        let error = engine.load(Arc::new(spec)).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("there is no library"));
    }
}
