use nereid_backend::spec::InstanceId;

use super::*;
use crate::fakes::{problems, stated};

const TEXT: &str = "optimization { execution_accelerators {\n\
    gpu_execution_accelerator [ { name: 'tensorrt' parameters { key: 'precision_mode' value: 'FP16' } }, { name: 'cuda' } ]\n\
    } }";

fn on(device: DeviceId) -> [InstanceSpec; 1] {
    [InstanceSpec { id: InstanceId(0), device }]
}

#[test]
fn those_of_onnx_models_on_gpus_are_handed_on() {
    let mut stated = stated(TEXT);
    read(&mut stated, "onnxruntime", &on(DeviceId::Cuda(0)));
    assert_eq!(problems(&stated), [""; 0]);
    let expected = [
        ("tensorrt", vec![("precision_mode".to_owned(), "FP16".to_owned())]),
        ("cuda", Vec::new()),
    ];
    let expected = expected.map(|(name, parameters)| Accelerator {
        name: name.to_owned(),
        parameters: parameters.into_iter().collect(),
    });
    assert_eq!(stated.engine.gpu_accelerators, expected);
}

#[test]
fn others_are_refused() {
    let check = |text: &str, backend: &str, device: DeviceId, expected: &[&str]| {
        let mut stated = stated(text);
        read(&mut stated, backend, &on(device));
        assert_eq!(problems(&stated), expected, "{backend} on {device}");
        assert_eq!(stated.engine.gpu_accelerators, []);
    };
    check(
        TEXT,
        "onnxruntime",
        DeviceId::Cpu,
        &[
            "2:29: gpu_execution_accelerator 'tensorrt' needs instances on GPUs: set instance_group to kind KIND_GPU, or \
             remove it",
            "2:102: gpu_execution_accelerator 'cuda' needs instances on GPUs: set instance_group to kind KIND_GPU, or \
             remove it",
        ],
    );
    let one = "optimization { execution_accelerators { gpu_execution_accelerator { name: 'tensorrt' } } }";
    let text = "1:41: gpu_execution_accelerator 'tensorrt' is for ONNX models: remove it, the backend 'image' has none";
    check(one, "image", DeviceId::Cuda(0), &[text]);
    let one = "optimization { execution_accelerators { cpu_execution_accelerator { name: 'openvino' } } }";
    let text = "1:41: cpu_execution_accelerator 'openvino' is not supported by this version of Nereid: remove it, and the \
                engine runs the model on the CPU by itself";
    check(one, "onnxruntime", DeviceId::Cuda(0), &[text]);
    check("optimization { execution_accelerators {} }", "image", DeviceId::Cpu, &[]);
    check("", "onnxruntime", DeviceId::Cuda(0), &[]);
}
