//! What is written is what the server completes by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_backend::backend::Model;
use nereid_backend::data_type::DataType;
use nereid_backend::spec::{ModelSpec, Signature};
use nereid_model_repository::completion::Completion;
use nereid_model_repository::layout::ModelFolder;
use nereid_model_repository::read::Reader;

use super::*;

/// ONNX Runtime by its names, which finds this signature.
struct Engine(Signature);

impl Backend for Engine {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("model.onnx")
    }

    fn rows_max_default(&self) -> usize {
        4
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        Vec::new()
    }

    fn inspect(&self, _: &RawSpec) -> Result<Signature, LoadError> {
        Ok(self.0.clone())
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        Err(LoadError::new("this test loads nothing"))
    }
}

/// A model's folder with its file, removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(file: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("nereid-init-{}-{count}", std::process::id()));
        let folder = Self(root);
        fs::create_dir_all(folder.0.join("m/1")).unwrap();
        fs::write(folder.file(file), "").unwrap();
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("m/1").join(name)
    }

    fn model(&self) -> ModelFolder {
        ModelFolder { name: "m".to_owned(), path: self.0.join("m"), config: None }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tensor(name: &str, data_type: DataType, dims: &[i64]) -> TensorSpec {
    let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
    TensorSpec::new(name, data_type, dims)
}

/// Its text, after it was read back and completed to what the model is without it.
#[track_caller]
fn written(inputs: Vec<TensorSpec>, outputs: Vec<TensorSpec>) -> String {
    let backends: Vec<Arc<dyn Backend>> =
        vec![Arc::new(Engine(Signature { inputs, outputs, ..Signature::default() }))];
    let folder = Folder::new("model.onnx");
    let text = config_text(&folder.file("model.onnx"), &backends).unwrap();
    let reader = Reader { backends, completion: Completion::FromFiles };
    let by_itself = reader.read(&folder.model()).unwrap().remove(0);
    fs::write(folder.0.join("m/config.pbtxt"), &text).unwrap();
    for completion in [Completion::FromFiles, Completion::Disabled] {
        let reader = Reader { backends: reader.backends.clone(), completion };
        let stated = reader.read(&folder.model()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let stated = stated.first().unwrap();
        assert_eq!(stated.config, by_itself.config, "{text}");
        assert_eq!(stated.spec.signature, by_itself.spec.signature, "{text}");
        assert_eq!(format!("{:?}", stated.scheduling), format!("{:?}", by_itself.scheduling));
        assert!(stated.warnings.is_empty(), "{:?}", stated.warnings);
    }
    text
}

#[test]
fn it_completes_to_what_the_model_is_without_it() {
    let x = || tensor("x", DataType::Fp32, &[-1, 3, -1]);
    let text = written(vec![x()], vec![tensor("y", DataType::Bytes, &[-1, 2])]);
    assert!(text.contains("max_batch_size: 4") && text.contains("dynamic_batching {"), "{text}");
    assert!(text.contains("data_type: TYPE_STRING\n  dims: [ 2 ]"), "{text}");
    // One that does not batch.
    let text = written(vec![x()], vec![tensor("y", DataType::Int64, &[2])]);
    assert!(text.contains("max_batch_size: 0") && !text.contains("dynamic_batching"), "{text}");
    assert!(text.contains("dims: [ -1, 3, -1 ]"), "{text}");
    // Scalars, with and without a batch, and names that need care.
    let scalar = tensor("s", DataType::Bool, &[]);
    let text = written(vec![tensor("a", DataType::Fp16, &[-1])], vec![scalar]);
    assert!(text.contains("reshape {"), "{text}");
    written(vec![tensor("a", DataType::Fp16, &[-1])], vec![tensor("b", DataType::Bf16, &[-1])]);
    written(vec![tensor("a \"b\"\\c\n\u{1}é", DataType::Uint8, &[-1, 1])], vec![x()]);
}

#[test]
fn the_model_has_the_name_of_its_folder_or_else_of_its_file() {
    let engine =
        Engine(Signature { inputs: Vec::new(), outputs: Vec::new(), ..Signature::default() });
    let backends: Vec<Arc<dyn Backend>> = vec![Arc::new(engine)];
    let check = |path: &str, name: &str, has_file_name: bool| {
        let text = config_text(Path::new(path), &backends).unwrap();
        assert!(text.contains(&format!("\nname: \"{name}\"\n")), "{text}");
        assert_eq!(text.contains("default_model_filename"), has_file_name, "{text}");
    };
    check("/models/resnet/1/model.onnx", "resnet", false);
    check("/models/resnet/12/best.onnx", "resnet", true);
    check("/downloads/best.onnx", "best", true);
    check("best.onnx", "best", true);
}

#[test]
fn a_file_of_no_backend() {
    let engine =
        Engine(Signature { inputs: Vec::new(), outputs: Vec::new(), ..Signature::default() });
    let backends: Vec<Arc<dyn Backend>> = vec![Arc::new(engine)];
    let error = config_text(Path::new("a/model.plan"), &backends).unwrap_err().to_string();
    assert_eq!(error, "expected a model's file such as model.onnx, got a/model.plan");
}
