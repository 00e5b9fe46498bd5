//! The engine: tells what a file holds, and loads it.

use std::sync::Arc;

use nereid_backend::backend::{Backend, Gpus, Model};
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use ort::environment::Environment;

use crate::graph::Graph;
use crate::model::OnnxModel;
use crate::parameters::Parameters;
use crate::session_options::SessionOptions;
use crate::settings::Settings;
use crate::sys::SharedSession;

/// ONNX Runtime; [`init`](crate::init) makes it, if there is a library.
#[derive(Debug)]
pub struct OnnxRuntime {
    /// Or why there is none: then it looks into files, and loads nothing.
    environment: Result<Environment, LoadError>,
    settings: Settings,
}

impl OnnxRuntime {
    pub(crate) fn new(environment: Environment, settings: Settings) -> Self {
        Self { environment: Ok(environment), settings }
    }

    /// An engine that tells what files hold, for which no library is needed, and refuses to load
    /// them for `reason`.
    pub fn without_library(reason: LoadError, settings: Settings) -> Self {
        Self { environment: Err(reason), settings }
    }

    pub(crate) fn environment(&self) -> Result<&Environment, LoadError> {
        self.environment.as_ref().map_err(Clone::clone)
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

    fn gpus(&self) -> Gpus {
        Gpus::Unsupported
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        Parameters::parse(&raw.parameters)?;
        Graph::read(&raw.file)?.signature(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let environment = self.environment()?;
        let options = SessionOptions::new(&spec, &self.settings)?;
        for warning in &options.parameters.warnings {
            tracing::warn!("model '{}': {warning}", spec.name);
        }
        let session = SharedSession::open(environment, &spec.file, &options);
        let session = session.map_err(|cause| {
            let path = spec.file.display();
            LoadError::new(format!("ONNX Runtime cannot load {path}: {cause}"))
        })?;
        Ok(Arc::new(OnnxModel::new(session, options.parameters.arena, &spec)?))
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
