//! An ensemble as it is written, and what is wrong with it by itself.

use super::*;
use crate::fakes::{problems, stated};

const TENSORS: &str = "max_batch_size: 8 input { name: 'IN' data_type: TYPE_FP32 dims: [ 1 ] } \
                       output { name: 'OUT' data_type: TYPE_FP32 dims: [ 2 ] } ";

#[test]
fn steps_and_signature() {
    let text = format!(
        "{TENSORS} ensemble_scheduling {{ step [ {{ model_name: 'a' model_version: -1 \
         input_map {{ key: 'x' value: 'IN' }} output_map {{ key: 'y' value: 'between' }} }}, \
         {{ model_name: 'b' model_version: 3 \
         input_map {{ key: 'x' value: 'between' }} output_map {{ key: 'y' value: 'OUT' }} }}, {{ model_name: 'c' condition: 'between' }} ] max_inflight_requests: 9 }}"
    );
    let definition = read_ensemble(stated(&text), 7).unwrap();
    assert_eq!((definition.spec.version, definition.spec.rows_max), (7, 8));
    assert!(definition.spec.is_batched && definition.spec.instances.is_empty());
    assert_eq!(definition.spec.signature.inputs, [crate::fakes::tensor("IN", &[1])]);
    assert_eq!(definition.config.platform, "ensemble");
    assert!(definition.config.version_policy.is_some());
    let step = |model: &str, version, input: &str, output: &str| Step {
        model: model.to_owned(),
        version,
        inputs: [("x".into(), input.into())].into(),
        outputs: [("y".into(), output.into())].into(),
        condition: None,
    };
    let (inputs, outputs) = ([].into(), [].into());
    let condition = Some("between".into());
    let bare = Step { model: "c".to_owned(), version: None, inputs, outputs, condition };
    let expected = [step("a", None, "IN", "between"), step("b", Some(3), "between", "OUT"), bare];
    match definition.scheduling {
        Scheduling::Ensemble(Ensembling { steps, requests_max }) => {
            assert_eq!((&*steps, requests_max), (&expected[..], 9));
        }
        other @ Scheduling::Queue { .. } => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong() {
    let check = |text: &str, expected: &[&str]| {
        let mut stated = stated(text);
        let steps = match &stated.config.scheduling_choice {
            Some(SchedulingChoice::EnsembleScheduling(ensemble)) => ensembling(ensemble).steps,
            _ => Vec::new(),
        };
        check(&mut stated, &steps);
        assert_eq!(problems(&stated), expected, "{text}");
        assert_eq!(read_ensemble(stated, 1).is_err(), !expected.is_empty());
    };
    let no_steps = "an ensemble needs ensemble_scheduling with steps";
    check(&format!("platform: 'ensemble' {TENSORS}"), &[&format!("1:1: {no_steps}")]);
    check(
        &format!("dynamic_batching {{}}\nplatform: 'ensemble' {TENSORS}"),
        &[&format!("2:1: {no_steps}")],
    );
    check(&format!("ensemble_scheduling {{}} {TENSORS}"), &[&format!("1:1: {no_steps}")]);
    check(
        &format!("ensemble_scheduling {{ step {{ model_name: 'a' }} step {{}} }}\n{TENSORS}"),
        &["1:48: a step needs a model_name"],
    );
    check(
        &format!(
            "ensemble_scheduling {{ step {{ model_name: 'a' }} }}\n{TENSORS}\n\
             instance_group {{ count: 1 }}"
        ),
        &["3:1: an ensemble has no instances: the models of its steps have"],
    );
    check(
        &format!(
            "ensemble_scheduling {{ step {{ model_name: 'a' }} }}\n{TENSORS}\n\
             model_warmup {{ name: 'w' }}"
        ),
        &["3:1: an ensemble has no warm-up: the models of its steps have"],
    );
    check(
        &format!(
            "ensemble_scheduling {{ step {{ model_name: 'a' model_namespace: 'n' }} }}\n\
             {TENSORS}\noptimization {{}}"
        ),
        &[
            "3:1: an ensemble is not optimized: the models of its steps are",
            "1:46: model_namespace is not supported by this version of Nereid",
        ],
    );
    check(
        "ensemble_scheduling {}\ninput { name: 'x' dims: 1 }",
        &[
            &format!("1:1: {no_steps}"),
            "2:1: input 'x' of an ensemble needs a data_type",
            "an ensemble states its outputs",
        ],
    );
}

#[test]
fn its_tensors_have_dims() {
    let text = "platform: 'ensemble' ensemble_scheduling { step { model_name: 'a' } }\n\
                input { name: 'x' data_type: TYPE_FP32 }\n\
                output { name: 'y' data_type: TYPE_FP32 dims: 1 }";
    let error = read_ensemble(stated(text), 1).unwrap_err().to_string();
    assert!(error.ends_with("config.pbtxt:2:1: input 'x' of an ensemble needs dims"), "{error}");
}

#[test]
fn its_platform_is_ensemble() {
    let text = format!(
        "platform: 'onnxruntime_onnx' ensemble_scheduling {{ step {{ model_name: 'a' }} }} {TENSORS}"
    );
    let error = read_ensemble(stated(&text), 1).unwrap_err().to_string();
    assert!(
        error.contains("config.pbtxt:1:1: ensemble scheduling cannot be set for model 'm'"),
        "{error}"
    );
}
