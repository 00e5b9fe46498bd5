//! The engine: tells what a file holds, and loads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::backend::{Backend, Model};
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use ort::environment::Environment;

use crate::graph::Graph;
use crate::model::OnnxModel;
use crate::sys::SharedSession;

/// Most threads of a pool of one model's own.
const INTRA_OP_THREADS_MAX: usize = 1024;

/// ONNX Runtime; [`init`](crate::init) makes it.
#[derive(Debug)]
pub struct OnnxRuntime {
    environment: Environment,
}

impl OnnxRuntime {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("model.onnx")
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        Graph::read(&raw.file)?.signature(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let threads = intra_op_threads(&spec.parameters)?;
        let session = SharedSession::open(&self.environment, &spec.file, threads);
        let session = session.map_err(|cause| {
            let path = spec.file.display();
            LoadError::new(format!("ONNX Runtime cannot load {path}: {cause}"))
        })?;
        Ok(Arc::new(OnnxModel::new(session, &spec)?))
    }
}

/// Threads of a pool of the model's own, or `None` to use the process's. Unknown parameters are
/// ignored, as Triton does.
fn intra_op_threads(parameters: &BTreeMap<String, String>) -> Result<Option<usize>, LoadError> {
    let Some(text) = parameters.get("intra_op_thread_count") else { return Ok(None) };
    match text.trim().parse() {
        Ok(0) => Ok(None),
        Ok(count) if count <= INTRA_OP_THREADS_MAX => Ok(Some(count)),
        _ => Err(LoadError::new(format!(
            "parameter 'intra_op_thread_count' must be a whole number from 0, for the pool of all \
             models, to {INTRA_OP_THREADS_MAX}, not \"{text}\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_have_threads_of_its_own() {
        let check = |text: &str, expected: Option<Option<usize>>| {
            let parameters = BTreeMap::from([("intra_op_thread_count".into(), text.into())]);
            assert_eq!(intra_op_threads(&parameters).ok(), expected, "{text}");
        };
        check("0", Some(None));
        check(" 2 ", Some(Some(2)));
        check("1025", None);
        check("-1", None);
        check("two", None);
        assert_eq!(intra_op_threads(&BTreeMap::new()).ok(), Some(None));
    }
}
