use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use nereid_backend::backend::{Backend, Model};
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use nereid_model_repository::completion::Completion;

use super::*;
use crate::fakes;

/// Loads only after as many tries.
struct Flaky {
    failures: u32,
    tries: AtomicU32,
}

impl Backend for Flaky {
    fn name(&self) -> &'static str {
        "flaky"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        0
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        Vec::new()
    }

    fn inspect(&self, _: &RawSpec) -> Result<Signature, LoadError> {
        let tensors = |name| vec![fakes::tensor(name, &[2])];
        Ok(Signature { inputs: tensors("x"), outputs: tensors("y"), ..Signature::default() })
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let tries = self.tries.fetch_add(1, Ordering::Relaxed);
        if tries < self.failures { Err(LoadError::new("not yet")) } else { Ok(fakes::echo()) }
    }
}

#[test]
fn what_an_engine_does_not_load_is_tried_again_as_often_as_asked() {
    let path = std::env::temp_dir().join(format!("nereid-loading-{}", std::process::id()));
    fs::create_dir_all(path.join("1")).unwrap();
    fs::write(path.join("config.pbtxt"), "backend: \"flaky\"").unwrap();
    let folder = ModelFolder { name: "m".to_owned(), path: path.clone(), config: None };
    let check = |retries, failures, expected: Result<(), &str>, tries| {
        let backend = Arc::new(Flaky { failures, tries: AtomicU32::new(0) });
        let edge = fakes::edge();
        let statistics = Statistics::default;
        let (backends, completion) =
            (vec![backend.clone() as Arc<dyn Backend>], Completion::FromFiles);
        let reader = Reader { backends, completion };
        let engines = Engines { reader, edge, retries, statistics };
        let (version, loaded) = load_folder(&folder, &engines).unwrap().remove(0);
        let loaded = loaded.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!((version, loaded), (1, expected.map_err(str::to_owned)));
        assert_eq!(backend.tries.load(Ordering::Relaxed), tries);
    };
    check(0, 0, Ok(()), 1);
    check(0, 1, Err("not yet"), 1);
    check(2, 2, Ok(()), 3);
    check(2, 3, Err("not yet"), 3);
    check(2, 0, Ok(()), 1);
    fs::remove_dir_all(path).unwrap();
}
