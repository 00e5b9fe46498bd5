use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use nereid_backend::backend::Backend;
use nereid_model_repository::completion::Completion;

use super::*;
use crate::fakes;

#[test]
fn what_an_engine_does_not_load_is_tried_again_as_often_as_asked() {
    let path = std::env::temp_dir().join(format!("nereid-loading-{}", std::process::id()));
    fs::create_dir_all(path.join("1")).unwrap();
    fs::write(path.join("config.pbtxt"), "backend: \"fake\"").unwrap();
    let folder = ModelFolder { name: "m".to_owned(), path: path.clone(), config: None };
    let check = |retries, failures, expected: Result<(), &str>, tries| {
        let count = Arc::new(AtomicU32::new(0));
        let counter = count.clone();
        let load = move || match counter.fetch_add(1, Ordering::Relaxed) {
            tried if tried < failures => Err(LoadError::new("not yet")),
            _ => Ok(fakes::echo()),
        };
        let backends: Vec<Arc<dyn Backend>> = vec![Arc::new(fakes::Engine(load))];
        let engines = Engines {
            reader: Reader { backends, completion: Completion::FromFiles },
            edge: fakes::edge(),
            statistics: Statistics::default,
            retries,
        };
        let (version, loaded) = load_folder(&folder, &engines).unwrap().remove(0);
        let loaded = loaded.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!((version, loaded), (1, expected.map_err(str::to_owned)));
        assert_eq!(count.load(Ordering::Relaxed), tries);
    };
    check(0, 0, Ok(()), 1);
    check(0, 1, Err("not yet"), 1);
    check(2, 2, Ok(()), 3);
    check(2, 3, Err("not yet"), 3);
    check(2, 0, Ok(()), 1);
    fs::remove_dir_all(path).unwrap();
}
