//! What one text says, and what is wrong with it by itself.

use nereid_backend::data_type::DataType;
use nereid_backend::spec::{Dim, GraphLevel, Urgency};

use super::*;
use crate::fakes::{Repository, problems, stated};

fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(&stated(text)), expected, "{text}");
}

#[test]
fn a_model_without_a_text_has_its_folders_name() {
    let repository = Repository::new();
    repository.folders(&["m/1"]);
    let stated = Stated::read(&repository.model("m")).unwrap();
    assert_eq!(stated.config, ModelConfig { name: "m".to_owned(), ..Default::default() });
    assert!(stated.problems.check().is_ok());
}

#[test]
fn names() {
    check("name: 'm'", &[]);
    check("name: ''", &[]);
    check(
        "\nname: 'other'",
        &["2:1: name 'other' is not the folder's, 'm': rename one, or leave the name out"],
    );
}

#[test]
fn tensors() {
    let text = "input { name: 'x' data_type: TYPE_FP16 dims: [ -1, 3 ] optional: true \
                allow_ragged_batch: true } input { name: 'typeless' dims: 2 } \
                output { name: 'y' data_type: TYPE_STRING }";
    let stated = stated(text);
    assert_eq!(problems(&stated), [""; 0]);
    let tensor = |name: &str, data_type, dims: &[Dim]| StatedTensor {
        name: name.to_owned(),
        data_type,
        dims: dims.to_vec(),
        reshape: None,
        is_optional: false,
        is_ragged: false,
        labels: None,
    };
    let x = tensor("x", Some(DataType::Fp16), &[Dim::Any, Dim::Fixed(3)]);
    let x = StatedTensor { is_optional: true, is_ragged: true, ..x };
    assert_eq!(stated.inputs, [x.clone(), tensor("typeless", None, &[Dim::Fixed(2)])]);
    let y = tensor("y", Some(DataType::Bytes), &[]);
    assert_eq!(stated.outputs, [y]);
    let expected = Signature {
        inputs: vec![x.spec().unwrap()],
        outputs: vec![TensorSpec::new("y", DataType::Bytes, Vec::new())],
        ..Signature::default()
    };
    assert_eq!(stated.signature(), expected);
    assert!(expected.inputs[0].is_optional && expected.inputs[0].is_ragged);
}

#[test]
fn tensors_that_are_wrong() {
    let positive = "dims must be positive, or -1 for any size; got";
    check("input { name: 'x' dims: [ 1, 0 ] }", &[&format!("1:19: 'x': {positive} 0")]);
    check(
        "input [ { name: 'x'\ndims: [ -2, 0 ] } ]",
        &[&format!("2:1: 'x': {positive} -2"), &format!("2:1: 'x': {positive} 0")],
    );
    check("output { dims: [ 1 ] }", &["1:1: output[0] needs a name"]);
    check("input {} input {}", &["1:1: input[0] needs a name", "1:10: input[1] needs a name"]);
    check(
        "input { name: 'x' }\ninput { name: 'y' }\ninput { name: 'x' }",
        &["3:1: input 'x' is stated twice"],
    );
    check("input { name: 'x' } output { name: 'x' }", &[]);
}

#[test]
fn a_reshape_keeps_the_elements() {
    check("input { name: 'x' dims: [ -1, 6 ] reshape { shape: [ 1, -1, 2, 3 ] } }", &[]);
    check("output { name: 'y' dims: 1 reshape {} }", &[]);
    check(
        "input { name: 'x' dims: [ 2 ]\nreshape { shape: [ 3 ] } }\n\
         output { name: 'y' dims: [ -1 ] reshape { shape: [ -1, -1 ] } }",
        &[
            "2:1: 'x': dims [2] cannot be reshaped to [3]: they have different numbers of elements \
             before, between or after the axes of any size (-1)",
            "3:33: 'y': dims [-1] cannot be reshaped to [-1,-1]: they have different numbers of axes \
             of any size (-1)",
        ],
    );
    check(
        "input { name: 'x' reshape { shape: [ 1 ] } }",
        &["1:19: 'x': reshape needs dims, which clients see"],
    );
}

#[test]
fn label_files() {
    let repository = Repository::new();
    repository.file("secret.txt", "").file("m/sub/labels.txt", "");
    let check = |file: &str, expected: &[&str]| {
        let text = format!("output {{ name: 'y' label_filename: '{file}' }}");
        repository.file("m/config.pbtxt", text);
        let stated = Stated::read(&repository.model("m")).unwrap();
        let found: Vec<_> = problems(&stated).iter().map(|line| repository.shorten(line)).collect();
        assert_eq!(found, expected, "{file}");
        stated.outputs[0].labels.clone()
    };
    let labels = check("sub/labels.txt", &[]);
    assert_eq!(labels, Some(repository.path.join("m/sub/labels.txt")));
    assert_eq!(check("", &[]), None);
    check("labels.txt", &["1:20: label_filename: there is no file R/m/labels.txt"]);
    check("sub", &["1:20: label_filename: there is no file R/m/sub"]);
    for outside in ["../secret.txt", "/etc/hostname", "sub/../../secret.txt"] {
        let message = "must be a path in the model's folder";
        let labels = check(outside, &[&format!("1:20: label_filename '{outside}' {message}")]);
        assert_eq!(labels, None);
    }
}

#[test]
fn graph_levels() {
    let check = |text: &str, expected: GraphLevel, warnings: usize| {
        let stated = stated(text);
        let found = (stated.engine.graph_level, stated.warnings.len());
        assert_eq!(found, (expected, warnings), "{text}");
    };
    check("", GraphLevel::All, 0);
    check("optimization { graph {} }", GraphLevel::All, 0);
    check("optimization { graph { level: -1 } }", GraphLevel::Basic, 0);
    check("optimization { graph { level: 1 } }", GraphLevel::Extended, 0);
    check("optimization { graph { level: 2 } }", GraphLevel::Disabled, 0);
    check("optimization { graph { level: 3 } }", GraphLevel::All, 1);
}

#[test]
fn a_model_s_share_of_a_device() {
    let check = |text: &str, expected: (Urgency, Option<usize>), faults: &[&str]| {
        let stated = stated(text);
        let engine = &stated.engine;
        assert_eq!((engine.urgency, engine.device_memory_bytes_max), expected, "{text}");
        assert_eq!(problems(&stated), faults, "{text}");
        assert!(stated.parameters().is_empty(), "no engine is to look at it");
    };
    let memory = |text: &str| {
        format!(
            "parameters {{ key: 'device_memory_byte_size' value {{ string_value: '{text}' }} }}"
        )
    };
    check("", (Urgency::Default, None), &[]);
    check("optimization { priority: PRIORITY_MAX }", (Urgency::Max, None), &[]);
    check("optimization { priority: PRIORITY_MIN }", (Urgency::Min, None), &[]);
    check(&memory(" 1024"), (Urgency::Default, Some(1024)), &[]);
    let none = |text| format!("1:1: device_memory_byte_size '{text}' is no number of bytes");
    check(&memory("1k"), (Urgency::Default, None), &[&none("1k")]);
    check(&memory("0"), (Urgency::Default, Some(0)), &[&none("0")]);
}

#[test]
fn libraries_of_operators() {
    let repository = Repository::new();
    repository.file("other.so", "").file("m/ops/one.so", "").file("m/two.so", "");
    let text = "model_operations {\nop_library_filename: [ 'ops/one.so', 'two.so' ] }";
    repository.file("m/config.pbtxt", text);
    let stated = Stated::read(&repository.model("m")).unwrap();
    assert_eq!(problems(&stated), [""; 0]);
    let expected = ["m/ops/one.so", "m/two.so"].map(|path| repository.path.join(path));
    assert_eq!(stated.engine.op_libraries, expected);

    let text = "model_operations {\nop_library_filename: '../other.so'\n\
                op_library_filename: 'three.so' op_library_filename: '' }";
    repository.file("m/config.pbtxt", text);
    let stated = Stated::read(&repository.model("m")).unwrap();
    let found: Vec<_> = problems(&stated).iter().map(|line| repository.shorten(line)).collect();
    let expected = [
        "2:1: op_library_filename '../other.so' must be a path in the model's folder",
        "2:1: op_library_filename: there is no file R/m/three.so",
        "2:1: op_library_filename: there is no file R/m/",
    ];
    assert_eq!(found, expected);
}

#[test]
fn batching() {
    assert_eq!(stated("max_batch_size: 8").rows_max, 8);
    assert_eq!(stated("").rows_max, 0);
    let preferred = |got| {
        let what = "preferred_batch_size must be positive and at most max_batch_size, which is 8";
        format!("2:20: {what}; got {got}")
    };
    let batching = "max_batch_size: 8\ndynamic_batching { preferred_batch_size:";
    check(&format!("{batching} [ 8, 1 ] }}"), &[]);
    check(&format!("{batching} [ 4, 9, 0 ] }}"), &[&preferred(9), &preferred(0)]);
    check(&format!("{batching} -1 }}"), &[&preferred(-1)]);
    check("dynamic_batching { preferred_batch_size: 4 }", &[]); // The engine may find a limit.
    check("max_batch_size: -1", &["1:1: max_batch_size must be at least 0 (no batching), got -1"]);
}

#[test]
fn priority_levels() {
    let check_text = check;
    let check = |fields: &str, expected: &[&str]| {
        let levels = "dynamic_batching { priority_levels: 3";
        check(&format!("{levels}\n{fields} }}"), expected);
    };
    check("default_priority_level: 3 priority_queue_policy { key: 1 }", &[]);
    let default = "default_priority_level must be from 1 (the highest) to priority_levels, which \
                   is 3; got";
    check("default_priority_level: 4", &[&format!("2:1: {default} 4")]);
    check("", &[&format!("1:1: {default} 0")]);
    let key =
        "a key of priority_queue_policy is a level from 1 to priority_levels, which is 3; got";
    check(
        "default_priority_level: 1 priority_queue_policy [ { key: 4 },\n{ key: 0 } ]",
        &[&format!("3:1: {key} 0"), &format!("2:51: {key} 4")],
    );
    check_text(
        "dynamic_batching { priority_levels: 257 default_priority_level: 1 }",
        &["1:20: priority_levels must be at most 256, got 257"],
    );
    let text = "dynamic_batching { default_priority_level: 1 priority_queue_policy { key: 1 } }";
    let vain = |(place, field)| format!("{place}: {field} has no effect without priority_levels");
    let fields = [("1:20", "default_priority_level"), ("1:46", "priority_queue_policy")];
    assert_eq!(warnings(&stated(text)), fields.map(vain));
}

#[test]
fn an_order_that_cannot_be_preserved() {
    let check = |fields: &str, expected: &[&str]| {
        check(&format!("dynamic_batching {{ preserve_ordering: true\n{fields} }}"), expected);
    };
    let delay = "{ timeout_action: DELAY default_timeout_microseconds: 1 }";
    let never = "{ timeout_action: DELAY }"; // Without a timeout nobody is delayed.
    let one = "priority_levels: 1 default_priority_level: 1";
    let levels = "preserve_ordering needs a single priority level: set priority_levels to 1 or \
                  leave it out; got 2";
    let policy = "preserve_ordering allows no timeout_action DELAY, which lets later requests pass";
    check(&format!("default_queue_policy {never}"), &[]);
    check(&format!("default_queue_policy {delay}"), &[&format!("2:24: {policy}")]);
    check(
        &format!("{one}\npriority_queue_policy {{ key: 1 value {delay} }}"),
        &[&format!("3:40: {policy}")],
    );
    check(&format!("{one} priority_queue_policy {{ key: 1 value {never} }}"), &[]);
    check("priority_levels: 2 default_priority_level: 1", &[&format!("2:1: {levels}")]);
}

#[test]
fn what_is_refused() {
    let check = |text: &str, what: &str| {
        check(text, &[&format!("1:1: {what} is not supported by this version of Nereid")]);
    };
    check("sequence_batching {}", "sequence batching");
    check("model_transaction_policy { decoupled: true }", "a decoupled model");
    check("batch_input { kind: BATCH_ELEMENT_COUNT }", "batch_input");
    check("batch_output {}", "batch_output");
    check("model_repository_agents { agents { name: 'checksum' } }", "a repository agent");
}

/// The warnings, each as `line:column: text`.
fn warnings(stated: &Stated) -> Vec<String> {
    let place = |line: &String| line.split_once("config.pbtxt:").map(|(_, rest)| rest.to_owned());
    stated.warnings.iter().filter_map(place).collect()
}

#[test]
fn what_has_no_effect() {
    let check = |text: &str, fields: &[&str]| {
        let expected: Vec<_> = fields
            .iter()
            .map(|field| format!("{field} has no effect in this version of Nereid"))
            .collect();
        let stated = stated(text);
        let found: Vec<_> = warnings(&stated)
            .iter()
            .map(|line| line.split_once(' ').map_or("", |(_, text)| text).to_owned())
            .collect();
        assert_eq!(found, expected, "{text}");
        assert!(stated.problems.check().is_ok(), "{text}");
    };
    check("max_batch_size: 8 dynamic_batching { max_queue_delay_microseconds: 5 }", &[]);
    check("dynamic_batching { preserve_ordering: true }", &[]);
    check("model_transaction_policy { decoupled: false } response_cache { enable: false }", &[]);
    check(
        "dynamic_batching { default_queue_policy { max_queue_size: 5 timeout_action: DELAY \
         default_timeout_microseconds: 1 allow_timeout_override: true } }",
        &[],
    );
    check("optimization { graph { level: 1 } input_pinned_memory { enable: false } }", &[]);
    check(
        "optimization { priority: PRIORITY_MAX cuda { graphs: true } eager_batching: true } \
         cc_model_filenames { key: '7.5' value: 'x' } metric_tags { key: 'k' } \
         model_metrics {} response_cache { enable: true }",
        &[
            "optimization.cuda",
            "optimization.eager_batching",
            "cc_model_filenames",
            "metric_tags",
            "model_metrics",
            "response_cache",
        ],
    );
    check(
        "runtime: 'r' backend: 'image' optimization { gather_kernel_buffer_threshold: 1 } \
         instance_group [ { passive: true }, { profile: '1' host_policy: 'p' rate_limiter {} \
         secondary_devices {} } ]",
        &[
            "runtime",
            "optimization.gather_kernel_buffer_threshold",
            "instance_group.passive",
            "instance_group.rate_limiter",
            "instance_group.secondary_devices",
            "instance_group.profile",
            "instance_group.host_policy",
        ],
    );
    let stated = stated("\ninstance_group { count: 1\n passive: true }");
    assert_eq!(
        warnings(&stated),
        ["3:2: instance_group.passive has no effect in this version of Nereid"]
    );
}

#[test]
fn ensembles() {
    let check = |text: &str, expected| assert_eq!(stated(text).is_ensemble(), expected, "{text}");
    check("platform: 'ensemble'", true);
    check("ensemble_scheduling {}", true);
    check("dynamic_batching {}", false);
    check("", false);
}

#[test]
fn texts_that_are_no_configuration() {
    let repository = Repository::new();
    repository.file("m/config.pbtxt", "nme: 'm'\nmax_batch_size: x");
    let error = Stated::read(&repository.model("m")).unwrap_err();
    assert_eq!(
        repository.shorten(&error),
        "R/m/config.pbtxt:1:1: unknown field 'nme' of ModelConfig; did you mean 'name'?\n\
         R/m/config.pbtxt:2:17: expected a whole number for 'max_batch_size', found 'x'"
    );
}

#[test]
fn what_only_other_engines_have() {
    let refused =
        |place, what| format!("{place}: {what} is not supported by this version of Nereid");
    check(
        "max_batch_size: 2 input { name: 'x' is_shape_tensor: true }\noutput { name: 'y' is_non_linear_format_io: true }",
        &[
            &refused("2:20", "is_non_linear_format_io"),
            &refused("1:37", "is_shape_tensor of a model that batches"),
        ],
    );
    check("input { name: 'x' is_shape_tensor: true }", &[]);
    check("input { name: 'x' format: FORMAT_NCHW dims: [ 3, 4, 5 ] }", &[]);
    check("input { name: 'x' format: FORMAT_NCHW }", &[]);
    check(
        "input { name: 'x' format: FORMAT_NHWC dims: [ 3 ] }",
        &["1:19: model input NHWC/NCHW require 3 dims for 'x', got 1"],
    );
}

#[test]
fn profiles_of_instances() {
    let chosen = |text: &str| stated(text).engine.profiles;
    assert_eq!(chosen("instance_group { profile: ['1', '0'] }"), [1, 0]);
    assert_eq!(chosen("instance_group { count: 2 }"), [0_usize; 0]);
    check(
        "instance_group [ { profile: 'a' },\n{ profile: '1' } ]",
        &[
            "2:3: instance groups of one model have the same profiles in this version of Nereid",
            "1:20: profile 'a' is no number of an optimization profile",
        ],
    );
}
