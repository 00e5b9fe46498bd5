//! Repositories of models that are their configuration, in the state of one that is being written.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_backend_all::{BackendSettings, inspectors};
use nereid_model_repository::completion::Completion;

use super::*;

/// A repository that is removed when the test ends.
struct Repository(PathBuf);

impl Repository {
    fn new(models: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nereid-check-{}-{count}", std::process::id());
        let root = Self(std::env::temp_dir().join(name));
        fs::create_dir(&root.0).unwrap();
        for (name, text) in models {
            fs::create_dir_all(root.0.join(name).join("1")).unwrap();
            fs::write(root.0.join(name).join("config.pbtxt"), text).unwrap();
        }
        root
    }

    fn check(&self) -> Report {
        let backends = inspectors(BackendSettings::parse(&[]).unwrap());
        let reader = Reader { backends, completion: Completion::FromFiles };
        check(std::slice::from_ref(&self.0), &reader).unwrap()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn told(models: &[(&str, &str)], expected: &[&str]) {
    let repository = Repository::new(models);
    let report = repository.check();
    let text = report.to_string().replace(&repository.0.display().to_string(), "R");
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert_eq!(report.is_sound(), !text.contains("error: "));
}

const IMAGE: &str = "backend: 'image' parameters { key: 'width' value { string_value: '4' } }\n\
                     parameters { key: 'height' value { string_value: '4' } }\n";

/// An ensemble of `step`.
fn ensemble(step: &str) -> String {
    format!(
        "max_batch_size: 4\ninput {{ name: 'IN' data_type: TYPE_STRING dims: 1 }}\n\
         output {{ name: 'OUT' data_type: TYPE_FP32 dims: [ 3, 4, 4 ] }}\n\
         ensemble_scheduling {{\n  step {{\n    {step} }}\n}}"
    )
}

#[test]
fn a_sound_repository() {
    let step = "model_name: 'i' input_map { key: 'IMAGE' value: 'IN' } \
                output_map { key: 'PIXELS' value: 'OUT' }";
    let names = "input { name: 'IMAGE' data_type: TYPE_STRING dims: 1 } \
                 output { name: 'PIXELS' data_type: TYPE_FP32 dims: [ 3, 4, 4 ] } max_batch_size: 4";
    let image = format!("{IMAGE}{names}\nmetric_tags {{ key: 'k' }}");
    told(
        &[("i", &image), ("e", &ensemble(step))],
        &[
            "warning: R/i/config.pbtxt:4:1: metric_tags has no effect in this version of Nereid",
            "2 models: 0 errors, 1 warning",
        ],
    );
}

#[test]
fn each_bad_model_is_told_by_its_line() {
    told(
        &[
            ("a", "nme: 'a'"),
            ("b", "\nbackend: 'python'"),
            ("c", "backend: 'image'\nparameters { key: 'hight' value { string_value: '4' } }"),
        ],
        &[
            "error: R/a/config.pbtxt:1:1: unknown field 'nme' of ModelConfig; did you mean 'name'?",
            "error: R/b/config.pbtxt:2:1: this server has no backend 'python'; it has onnxruntime, \
             tensorrt, image, postprocess",
            "error: R/c/config.pbtxt:2:1: parameter 'hight' is unknown: the image backend knows operation, decoder, box_format, box_units, input_format, \
             exif_orientation, pixels_max, resize, antialias, channel_order, layout, mean, scale, \
             width, height, anchor, shorter_side, width_multiple, width_min, width_max, pad_value",
            "error: R/c/config.pbtxt:2:1: parameter 'width' is missing: resize \"stretch\" needs it",
            "error: R/c/config.pbtxt:2:1: parameter 'height' is missing: resize \"stretch\" needs it",
            "3 models: 5 errors, 0 warnings",
        ],
    );
}

#[test]
fn ensembles_are_checked_against_their_steps() {
    let missing = "step 0: there is no model 'nope' here: correct model_name, or add the model";
    told(
        &[("e", &ensemble("model_name: 'nope'"))],
        &[&format!("error: R/e/config.pbtxt:6:5: {missing}"), "1 model: 1 error, 0 warnings"],
    );
    told(
        &[("e", &ensemble("model_name: 'i' model_version: 7")), ("i", IMAGE)],
        &[
            "error: R/e/config.pbtxt:6:5: step 0: model 'i' serves no version 7: set model_version \
             to -1 for the highest, or admit it by the model's version_policy",
            "2 models: 1 error, 0 warnings",
        ],
    );
    told(
        &[("e", &ensemble("model_name: 'i'")), ("i", "max_batch_size: -1 backend: 'image'")],
        &[
            "error: R/i/config.pbtxt:1:1: max_batch_size must be at least 0 (no batching), got -1",
            "error: R/e/config.pbtxt:6:5: step 0: model 'i' cannot be served: see what is wrong \
             with it",
            "2 models: 2 errors, 0 warnings",
        ],
    );
    told(
        &[
            ("e", &ensemble("model_name: 'i' output_map { key: 'nope' value: 'OUT' }")),
            ("i", IMAGE),
        ],
        &[
            "error: R/e/config.pbtxt:5:3: step 0 ('i'): the model has no output 'nope'",
            "error: R/e/config.pbtxt:5:3: step 0 ('i'): the model's input 'IMAGE' is not mapped",
            "error: R/e/config.pbtxt:3:1: no step makes the output 'OUT'",
            "2 models: 3 errors, 0 warnings",
        ],
    );
}

#[test]
fn an_ensemble_within_itself_is_told() {
    let back = |name| {
        format!(
            "error: R/{name}/config.pbtxt:4:1: the steps of ensemble '{name}' lead back to it: \
             take out the one that does"
        )
    };
    told(
        &[("e", &ensemble("model_name: 'f'")), ("f", &ensemble("model_name: 'e'"))],
        &[&back("e"), &back("f"), "2 models: 2 errors, 0 warnings"],
    );
}

#[test]
fn a_repository_that_is_not_there() {
    let reader = Reader { backends: Vec::new(), completion: Completion::FromFiles };
    let error = check(&["no such folder".into()], &reader).unwrap_err().to_string();
    assert!(error.contains("cannot read the model repository no such folder"), "{error}");
}
