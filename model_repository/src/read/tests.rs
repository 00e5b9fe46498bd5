//! Whole models, from their folder to their definition.

use std::time::Duration;

use nereid_backend::spec::Signature;
use nereid_proto::json::to_json;

use super::*;
use crate::definition::{Batching, QUEUE_MAX_DEFAULT, QueuePolicy, TimeoutAction};
use crate::fakes::{Engine, Repository, engines, signature, tensor};

fn read(folder: &ModelFolder, backends: &[Arc<dyn Backend>]) -> Result<Vec<Definition>, LoadError> {
    let (backends, completion) = (backends.to_vec(), Completion::FromFiles);
    Reader { backends, completion }.read(folder)
}

fn batching_of(definition: &Definition) -> Batching {
    match definition.scheduling.clone() {
        Scheduling::Queue { batching, .. } => batching,
        Scheduling::Ensemble(_) => panic!("an ensemble"),
    }
}

/// What is wrong with the model `m` of `repository`: all of it, one line each.
fn errors(repository: &Repository) -> Vec<String> {
    let error = read(&repository.model("m"), &engines()).unwrap_err();
    repository.shorten(&error).lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_model_without_a_text_is_completed() {
    let repository = Repository::new();
    repository.file("m/1/model.onnx", "");
    let definitions = read(&repository.model("m"), &engines()).unwrap();
    let [definition] = &definitions[..] else { panic!("{definitions:?}") };
    let spec = &definition.spec;
    assert_eq!((&*spec.name, spec.version, spec.rows_max), ("m", 1, 4));
    assert_eq!(spec.file, repository.path.join("m/1/model.onnx"));
    let batched = Signature {
        inputs: vec![tensor("x", &[3, -1])],
        outputs: vec![tensor("y", &[2])],
        ..Signature::default()
    };
    assert_eq!(spec.signature, batched);
    assert_eq!((spec.is_batched, spec.instances.len()), (true, 2));
    let batching = batching_of(definition);
    assert_eq!(batching, Batching { rows_max: 4, ..Batching::default() });
    assert_eq!(batching.queues[0].requests_max, QUEUE_MAX_DEFAULT);
    assert_eq!(definition.warnings, [""; 0]);
    let shown = concat!(
        r#"{"name":"m","platform":"onnxruntime_onnx","backend":"onnxruntime","runtime":"","#,
        r#""version_policy":{"latest":{"num_versions":1}},"max_batch_size":4,"#,
        r#""input":[{"name":"x","data_type":"TYPE_FP32","format":"FORMAT_NONE","dims":[3,-1],"#,
        r#""is_shape_tensor":false,"allow_ragged_batch":false,"optional":false,"#,
        r#""is_non_linear_format_io":false}],"#,
        r#""output":[{"name":"y","data_type":"TYPE_FP32","dims":[2],"label_filename":"","#,
        r#""is_shape_tensor":false,"is_non_linear_format_io":false}],"#,
        r#""batch_input":[],"batch_output":[],"#,
        r#""optimization":{"priority":"PRIORITY_DEFAULT","input_pinned_memory":{"enable":true},"#,
        r#""output_pinned_memory":{"enable":true},"gather_kernel_buffer_threshold":0,"#,
        r#""eager_batching":false},"#,
        r#""dynamic_batching":{"preferred_batch_size":[],"max_queue_delay_microseconds":0,"#,
        r#""preserve_ordering":false,"priority_levels":0,"default_priority_level":0,"#,
        r#""priority_queue_policy":{}},"#,
        r#""instance_group":[{"name":"m","kind":"KIND_CPU","count":2,"gpus":[],"#,
        r#""secondary_devices":[],"profile":[],"passive":false,"host_policy":""}],"#,
        r#""default_model_filename":"model.onnx","cc_model_filenames":{},"metric_tags":{},"#,
        r#""parameters":{},"model_warmup":[]}"#,
    );
    assert_eq!(to_json(&definition.config), shown);
}

#[test]
fn a_model_that_is_stated_whole() {
    let repository = Repository::new();
    let text = "backend: 'onnxruntime' default_model_filename: 'other.onnx' max_batch_size: 16 \
                input { name: 'x' data_type: TYPE_FP32 dims: [ 3, 8 ] } \
                output { name: 'y' data_type: TYPE_FP32 dims: [ 2 ] label_filename: 'l.txt' } \
                dynamic_batching { max_queue_delay_microseconds: 250 \
                preferred_batch_size: [ 8, 4, 8 ] \
                default_queue_policy { max_queue_size: 9 timeout_action: DELAY \
                default_timeout_microseconds: 500 allow_timeout_override: true } \
                priority_levels: 2 default_priority_level: 2 priority_queue_policy { key: 1 } } \
                parameters { key: 'threads' value { string_value: '2' } } \
                instance_group { count: 3 kind: KIND_CPU } model_warmup { name: 'w' } \
                response_cache { enable: true }";
    repository.file("m/config.pbtxt", text).file("m/5/other.onnx", "").file("m/l.txt", "");
    let definition = read(&repository.model("m"), &engines()).unwrap().remove(0);
    let spec = &definition.spec;
    assert_eq!((spec.version, spec.rows_max, spec.instances.len()), (5, 16, 3));
    assert_eq!(spec.file, repository.path.join("m/5/other.onnx"));
    assert_eq!(spec.signature.inputs, [tensor("x", &[3, 8])]);
    assert_eq!(spec.signature.outputs[0].labels, Some(repository.path.join("m/l.txt")));
    assert_eq!(spec.parameters, [("threads".to_owned(), "2".to_owned())].into());
    let queue = QueuePolicy {
        requests_max: 9,
        timeout: Some(Duration::from_micros(500)),
        timeout_action: TimeoutAction::Delay,
        is_timeout_overridable: true,
    };
    let delay_max = Duration::from_micros(250);
    let expected = Batching {
        rows_max: 16,
        preferred: vec![4, 8],
        delay_max,
        queues: vec![QueuePolicy::default(), queue],
        level_default: 2,
        ..Batching::default()
    };
    assert_eq!(batching_of(&definition), expected);
    let warnings: Vec<_> =
        definition.warnings.iter().map(|warning| repository.shorten(warning)).collect();
    assert_eq!(
        warnings,
        ["R/m/config.pbtxt:1:637: response_cache has no effect in this version of Nereid"]
    );
}

#[test]
fn a_model_of_an_engine_without_files() {
    let repository = Repository::new();
    repository.file("m/config.pbtxt", "backend: 'image'").folders(&["m/1"]);
    let definition = read(&repository.model("m"), &engines()).unwrap().remove(0);
    assert_eq!(definition.spec.file, repository.path.join("m/1"));
    let config = &definition.config;
    assert_eq!((&*config.platform, &*config.default_model_filename), ("", ""));
}

#[test]
fn a_model_without_dynamic_batching_runs_requests_one_by_one() {
    let repository = Repository::new();
    let text = "max_batch_size: 8 input { name: 'x' } output { name: 'y' }";
    repository.file("m/config.pbtxt", text).file("m/1/model.onnx", "");
    let definition = read(&repository.model("m"), &engines()).unwrap().remove(0);
    assert_eq!((definition.spec.rows_max, batching_of(&definition).rows_max), (8, 1));
    assert_eq!(definition.config.scheduling_choice, None);
}

#[test]
fn sizes_are_preferred_up_to_the_limit_that_was_found() {
    let repository = Repository::new();
    repository.file("m/1/model.onnx", "");
    let read = |size: i32| {
        let text = format!("dynamic_batching {{ preferred_batch_size: {size} }}");
        repository.file("m/config.pbtxt", text);
        read(&repository.model("m"), &engines())
    };
    assert_eq!(batching_of(&read(4).unwrap()[0]).preferred, [4]);
    let error = "R/m/config.pbtxt:1:20: preferred_batch_size must be positive and at most \
                 max_batch_size, which is 4; got 5";
    assert_eq!(repository.shorten(&read(5).unwrap_err()), error);
}

#[test]
fn a_model_that_does_not_batch() {
    let repository = Repository::new();
    repository.file("m/1/model.onnx", "");
    let signature = Signature { outputs: vec![tensor("y", &[2])], ..signature() };
    let engine =
        Engine { name: "onnxruntime", file_name: Some("model.onnx"), signature, gpus: Vec::new() };
    let backends: [Arc<dyn Backend>; 1] = [Arc::new(engine)];
    let definition = read(&repository.model("m"), &backends).unwrap().remove(0);
    let spec = &definition.spec;
    assert_eq!((spec.is_batched, spec.rows_max), (false, 1));
    assert_eq!(definition.config.max_batch_size, 0);
    assert_eq!(batching_of(&definition).rows_max, 1);

    repository.file("m/config.pbtxt", "dynamic_batching {}");
    let definition = read(&repository.model("m"), &backends).unwrap().remove(0);
    assert_eq!(
        repository.shorten(&definition.warnings[0]),
        "R/m/config.pbtxt:1:1: dynamic_batching joins no requests, since max_batch_size is 0"
    );
}

#[test]
fn every_version_is_completed_by_its_own_file() {
    let repository = Repository::new();
    repository
        .file("m/config.pbtxt", "version_policy { all {} }")
        .file("m/1/model.onnx", "")
        .file("m/2/model.onnx", "");
    let definitions = read(&repository.model("m"), &engines()).unwrap();
    let versions: Vec<_> = definitions.iter().map(|definition| definition.spec.version).collect();
    assert_eq!(versions, [1, 2]);
    assert_eq!(definitions[1].spec.file, repository.path.join("m/2/model.onnx"));
    assert_eq!(definitions[0].config, definitions[1].config);

    repository.file("m/2/model.onnx", "broken");
    assert_eq!(errors(&repository), ["the file is broken"]);
}

#[test]
fn an_ensemble() {
    let repository = Repository::new();
    let text = "platform: 'ensemble' input { name: 'x' data_type: TYPE_FP32 dims: 1 } \
                output { name: 'y' data_type: TYPE_FP32 dims: 1 } \
                ensemble_scheduling { step { model_name: 'a' } }";
    repository.file("m/config.pbtxt", text).folders(&["m/1"]);
    let definition = read(&repository.model("m"), &engines()).unwrap().remove(0);
    assert!(matches!(definition.scheduling, Scheduling::Ensemble(of) if of.steps.len() == 1));
    assert_eq!((definition.spec.is_batched, definition.spec.rows_max), (false, 1));
}

/// An engine that finds fault with what is stated.
#[test]
fn what_an_engine_says_of_a_field_has_its_place() {
    let repository = Repository::new();
    let text = "backend: 'onnxruntime'\nparameters { key: 'k' value { string_value: 'v' } }\n\
                input { name: 'x' }\noutput { name: 'y' }";
    let fault = "parameter 'k' is odd\ninput 'x': odd\noutput 'y' is odd\nparameter 'j' is missing\n\
                 input 'z' is odd\nall is odd";
    repository.file("m/config.pbtxt", text).file("m/1/model.onnx", format!("faults: {fault}"));
    let expected = [
        "R/m/config.pbtxt:2:1: parameter 'k' is odd",
        "R/m/config.pbtxt:3:1: input 'x': odd",
        "R/m/config.pbtxt:4:1: output 'y' is odd",
        "R/m/config.pbtxt:2:1: parameter 'j' is missing",
        "R/m/config.pbtxt:3:1: input 'z' is odd",
        "all is odd",
    ];
    assert_eq!(errors(&repository), expected);
}

/// Everything is told at once.
#[test]
fn what_is_wrong_before_the_engine_is_asked() {
    let repository = Repository::new();
    let text = "name: 'other'\nmax_batch_size: -1\n\
                input { name: 'x' dims: 0 reshape {} }\n\
                instance_group { count: -1 }\nsequence_batching {}\n\
                default_model_filename: 'other.onnx'\nbackend: 'onnxruntime'\n\
                output {\n  name: 'y'\n  label_filename: '../x'\n}";
    repository.file("m/config.pbtxt", text).folders(&["m/1"]);
    let expected = [
        "1:1: name 'other' is not the folder's, 'm': rename one, or leave the name out",
        "3:19: 'x': dims must be positive, or -1 for any size; got 0",
        "3:27: 'x': reshape needs dims, which clients see",
        "10:3: label_filename '../x' must be a path in the model's folder",
        "2:1: max_batch_size must be at least 0 (no batching), got -1",
        "5:1: sequence batching is not supported by this version of Nereid",
        "6:1: there is no file R/m/1/other.onnx",
        "4:18: count must be positive, got -1",
    ];
    let expected = expected.map(|line| format!("R/m/config.pbtxt:{line}"));
    assert_eq!(errors(&repository), expected);
}

#[test]
fn what_is_wrong_after_the_engine_was_asked() {
    let repository = Repository::new();
    let text = "max_batch_size: 2\ninput { name: 'z' }\noutput { name: 'y' dims: 5 }";
    repository.file("m/config.pbtxt", text).file("m/1/model.onnx", "");
    assert_eq!(
        errors(&repository),
        [
            "R/m/config.pbtxt:2:1: the model has no input 'z'; its inputs are 'x'",
            "R/m/config.pbtxt:3:1: 'y': dims are [5], but the model has [2] (without the batch axis)",
        ]
    );
}

#[test]
fn backends_that_are_not_there() {
    let check = |text: &str, expected: &str| {
        let repository = Repository::new();
        repository.file("m/config.pbtxt", text).folders(&["m/1"]);
        assert_eq!(errors(&repository), [expected], "{text}");
    };
    check(
        "\nbackend: 'python'",
        "R/m/config.pbtxt:2:1: this server has no backend 'python'; it has onnxruntime, image",
    );
    check(
        "platform: 'x'",
        "R/m/config.pbtxt:1:1: unknown platform 'x': state a backend instead, one of \
         onnxruntime, image",
    );
    check(
        "",
        "R/m/config.pbtxt: no backend is stated, and R/m/1 has no file that tells it \
         (model.onnx); state `backend: \"...\"`, one of onnxruntime, image",
    );
}

#[test]
fn model_files() {
    let check = |text: &str, expected: &str| {
        let repository = Repository::new();
        repository.file("m/config.pbtxt", text).file("secret", "").folders(&["m/1"]);
        assert_eq!(errors(&repository), [expected], "{text}");
    };
    check("backend: 'onnxruntime'", "R/m/config.pbtxt: there is no file R/m/1/model.onnx");
    check(
        "backend: 'onnxruntime' default_model_filename: '../../secret'",
        "R/m/config.pbtxt:1:24: default_model_filename '../../secret' must be a path in the \
         version's folder",
    );
}

#[test]
fn without_completion_all_of_it_must_be_stated() {
    let repository = Repository::new();
    let reader = Reader { backends: engines(), completion: Completion::Disabled };
    let check = |text: &str, expected: &[&str]| {
        repository.file("m/config.pbtxt", text).file("m/1/model.onnx", "");
        let error = reader.read(&repository.model("m")).err();
        let error = error.map(|error| repository.shorten(&error)).unwrap_or_default();
        let found: Vec<_> =
            error.lines().map(|line| line.replace("R/m/config.pbtxt:", "")).collect();
        assert_eq!(found, expected, "{text}");
    };
    let x = "input { name: 'x' data_type: TYPE_FP32 dims: [ 3, -1 ] }";
    let y = "output { name: 'y' data_type: TYPE_FP32 dims: [ 2 ] }";
    let off = "(nothing is completed from the model's file: --disable-auto-complete-config)";
    check(&format!("backend: 'onnxruntime' max_batch_size: 8 {x} {y}"), &[]);
    check(
        "\ninput { name: 'x' }",
        &[
            &format!(" must specify 'backend' or 'platform' {off}"),
            &format!("2:1: model input must specify 'data_type' {off}"),
            &format!("2:1: model input must specify 'dims' {off}"),
            &format!(" model must specify 'output' {off}"),
        ],
    );
    check(
        &format!("platform: 'onnxruntime_onnx' max_batch_size: 8 {y} {}", x.replace("'x'", "'z'")),
        &["1:102: the model has no input 'z'; its inputs are 'x'"],
    );
    let two = Signature { inputs: vec![tensor("x", &[-1, 3]), tensor("w", &[-1])], ..signature() };
    let engine = Engine {
        name: "onnxruntime",
        file_name: Some("model.onnx"),
        signature: two,
        gpus: Vec::new(),
    };
    let backends: Vec<Arc<dyn Backend>> = vec![Arc::new(engine)];
    let reader = Reader { backends, completion: Completion::Disabled };
    repository.file(
        "m/config.pbtxt",
        format!("backend: 'onnxruntime' max_batch_size: 8\n{} {y}", x.replace(", -1", "")),
    );
    assert_eq!(
        repository.shorten(&reader.read(&repository.model("m")).unwrap_err()),
        format!(
            "R/m/config.pbtxt:2:1: unable to load model 'm', configuration expects 1 inputs, model \
             provides 2: 'w' is missing {off}"
        )
    );
}

#[test]
fn without_completion_a_configuration_must_be_there() {
    let repository = Repository::new();
    repository.file("m/1/model.onnx", "");
    let reader = Reader { backends: engines(), completion: Completion::Disabled };
    assert_eq!(
        repository.shorten(&reader.read(&repository.model("m")).unwrap_err()),
        "failed to open text file for read R/m/config.pbtxt: No such file or directory; write one, \
         or leave --disable-auto-complete-config out"
    );
}
