//! What accelerators and parameters become, without a library of providers.

use nereid_backend::spec::{EngineOptions, Signature};

use super::*;

/// The providers of accelerators, each `name key=value …`, with `parameters`, each `key=value`.
fn providers(accelerators: &[&str], parameters: &[&str]) -> Result<Vec<String>, String> {
    let pairs = |words: &[&str]| -> BTreeMap<String, String> {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let accelerator = |text: &&str| {
        let words: Vec<_> = text.split(' ').collect();
        Accelerator { name: words[0].to_owned(), parameters: pairs(&words[1..]) }
    };
    let gpu_accelerators = accelerators.iter().map(accelerator).collect();
    let spec = ModelSpec {
        name: "m".into(),
        version: 1,
        file: "model.onnx".into(),
        signature: Signature::default(),
        is_batched: false,
        rows_max: 1,
        parameters: pairs(parameters),
        engine: EngineOptions { gpu_accelerators, ..EngineOptions::default() },
        instances: Vec::new(),
    };
    let parameters = Parameters::parse(&spec.parameters).unwrap();
    let made = Providers::new(&spec, &parameters, None).map_err(|error| error.to_string())?;
    Ok(made.all().iter().map(told).collect())
}

fn told(provider: &Provider) -> String {
    let (name, options) = match provider {
        Provider::TensorRt(options) => ("TensorRT", options),
        Provider::Cuda(options) => ("CUDA", options),
        Provider::Plugin(_, options) => ("plug-in", options),
    };
    let options = options.iter().map(|(key, value)| format!(" {key}={value}"));
    std::iter::once(name.to_owned()).chain(options).collect()
}

fn check(accelerators: &[&str], parameters: &[&str], expected: &[&str]) {
    let expected = expected.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(providers(accelerators, parameters), Ok(expected), "{accelerators:?}");
}

#[test]
fn cuda_runs_what_tensorrt_does_not() {
    check(&[], &[], &["CUDA"]);
    check(&["tensorrt"], &[], &["TensorRT", "CUDA"]);
    check(
        &[
            "tensorrt precision_mode=FP16 max_workspace_size_bytes=5 trt_engine_cache_enable=1 trt_engine_cache_path=/c",
        ],
        &[],
        &[
            "TensorRT trt_engine_cache_enable=1 trt_engine_cache_path=/c trt_fp16_enable=1 trt_max_workspace_size=5",
            "CUDA",
        ],
    );
    check(&["tensorrt precision_mode=FP32"], &[], &["TensorRT", "CUDA"]);
    check(&["tensorrt precision_mode=BF16"], &[], &["TensorRT trt_bf16_enable=1", "CUDA"]);
    check(
        &["tensorrt precision_mode=INT8 int8_calibration_table_name=t"],
        &[],
        &["TensorRT trt_int8_calibration_table_name=t trt_int8_enable=1", "CUDA"],
    );
}

#[test]
fn parameters_are_the_cuda_providers_and_win() {
    let parameters = ["gpu_mem_limit=9", "arena_extend_strategy=1"];
    let expected =
        "CUDA arena_extend_strategy=kSameAsRequested gpu_mem_limit=9 tunable_op_enable=1";
    check(&["cuda gpu_mem_limit=7 tunable_op_enable=1"], &parameters, &[expected]);
    check(
        &["cuda gpu_mem_limit=7 enable_cuda_graph=0"],
        &[],
        &["CUDA enable_cuda_graph=0 gpu_mem_limit=7"],
    );
}

#[test]
fn everything_that_is_wrong_is_told() {
    let accelerators = [
        "openvino",
        "tensorrt precision_mode=FP8 trt_fp16_enable=1 trt_cuda_graph_enable=1",
        "cuda device_id=1 gpu_external_alloc=140",
    ];
    let expected = "unknown Execution Accelerator 'openvino' is requested: there are 'tensorrt' and 'cuda'\n\
        unsupported precision mode 'FP8' is requested\n\
        unknown parameter 'trt_fp16_enable' is provided for TensorRT Execution Accelerator\n\
        'trt_cuda_graph_enable' of the accelerator 'tensorrt': CUDA graphs of ONNX Runtime are captured while all else on \
        the device stands still, which a server cannot: leave it out\n\
        'device_id' of the accelerator 'cuda' is the server's to state\n\
        'gpu_external_alloc' of the accelerator 'cuda' is the server's to state";
    assert_eq!(providers(&accelerators, &[]), Err(expected.to_owned()));
}

#[test]
fn what_has_to_be_there_is_told_of_a_library_that_is_not() {
    let told = |text: &str| {
        Providers(vec![Provider::Cuda(Options::new())]).explain(LoadError::new(text)).0
    };
    let text = "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared \
                object file: No such file or directory";
    assert_eq!(told(text), format!("{text}; {NEEDS}"));
    assert_eq!(told("the file is broken"), "the file is broken");
}
