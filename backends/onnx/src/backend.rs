//! The engine: tells what a file holds, and loads it.

use std::sync::Arc;

use nereid_backend::backend::{Backend, Model};
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use ort::environment::Environment;

use crate::graph::Graph;
use crate::model::OnnxModel;
use crate::parameters::Parameters;
use crate::session_options::SessionOptions;
use crate::settings::Settings;
use crate::sys::SharedSession;

/// ONNX Runtime; [`init`](crate::init) makes it.
#[derive(Debug)]
pub struct OnnxRuntime {
    pub(crate) environment: Environment,
    settings: Settings,
}

impl OnnxRuntime {
    pub(crate) fn new(environment: Environment, settings: Settings) -> Self {
        Self { environment, settings }
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

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        Parameters::parse(&raw.parameters)?;
        Graph::read(&raw.file)?.signature(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let options = SessionOptions::new(&spec, &self.settings)?;
        for warning in &options.parameters.warnings {
            tracing::warn!("model '{}': {warning}", spec.name);
        }
        let session = SharedSession::open(&self.environment, &spec.file, &options);
        let session = session.map_err(|cause| {
            let path = spec.file.display();
            LoadError::new(format!("ONNX Runtime cannot load {path}: {cause}"))
        })?;
        Ok(Arc::new(OnnxModel::new(session, options.parameters.arena, &spec)?))
    }
}
