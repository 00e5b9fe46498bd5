//! What several tests need: a repository in a temporary folder, and an engine that finds what it
//! is told to find.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_backend::backend::{Backend, Model, ROWS_MAX_DEFAULT};
use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, ModelSpec, RawSpec, Signature, TensorSpec};

use crate::layout::ModelFolder;
use crate::stated::Stated;

/// A folder that is removed when the test ends.
pub(crate) struct Repository {
    pub(crate) path: PathBuf,
}

impl Repository {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nereid-model-repository-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    /// Writes a file, and the folders around it.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Makes empty folders.
    pub(crate) fn folders(&self, paths: &[&str]) -> &Self {
        for path in paths {
            fs::create_dir_all(self.path.join(path)).unwrap();
        }
        self
    }

    pub(crate) fn model(&self, name: &str) -> ModelFolder {
        ModelFolder { name: name.to_owned(), path: self.path.join(name), config: None }
    }

    /// `text` with the repository's path as `R`, as tests expect it.
    pub(crate) fn shorten(&self, text: &impl ToString) -> String {
        text.to_string().replace(&self.path.display().to_string(), "R")
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // What is left over is in the system's folder for that.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// An engine whose models all have the same signature.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) file_name: Option<&'static str>,
    pub(crate) signature: Signature,
    pub(crate) gpus: Vec<u32>,
}

impl Backend for Engine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn file_name(&self) -> Option<&'static str> {
        self.file_name
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        self.gpus.clone()
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        let content = fs::read_to_string(&raw.file);
        if let Some(faults) = content.as_ref().ok().and_then(|text| text.strip_prefix("faults: ")) {
            return Err(LoadError::new(faults));
        }
        match content {
            Ok(content) if content == "broken" => Err(LoadError::new("the file is broken")),
            _ => Ok(self.signature.clone()),
        }
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        Err(LoadError::new("this room loads nothing"))
    }
}

/// ONNX Runtime by its names, and an engine without files.
pub(crate) fn engines() -> Vec<Arc<dyn Backend>> {
    let engine = |name, file_name| -> Arc<dyn Backend> {
        Arc::new(Engine { name, file_name, signature: signature(), gpus: Vec::new() })
    };
    vec![engine("onnxruntime", Some("model.onnx")), engine("image", None)]
}

/// `x: FP32 [-1,3,-1]` in, `y: FP32 [-1,2]` out.
pub(crate) fn signature() -> Signature {
    Signature {
        inputs: vec![tensor("x", &[-1, 3, -1])],
        outputs: vec![tensor("y", &[-1, 2])],
        ..Signature::default()
    }
}

/// A tensor of FP32.
pub(crate) fn tensor(name: &str, dims: &[i64]) -> TensorSpec {
    let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
    TensorSpec::new(name, DataType::Fp32, dims)
}

/// What `text` states as the configuration of a model `m`.
pub(crate) fn stated(text: &str) -> Stated {
    let repository = Repository::new();
    repository.file("m/config.pbtxt", text);
    Stated::read(&repository.model("m")).unwrap()
}

/// What is wrong with `stated` so far, each as `line:column: message`.
pub(crate) fn problems(stated: &Stated) -> Vec<String> {
    let error = stated.problems.error().to_string();
    let shorten = |line: &str| match line.split_once("config.pbtxt:") {
        Some((_, rest)) => rest.trim_start().to_owned(),
        None => line.to_owned(),
    };
    error.lines().map(shorten).collect()
}
