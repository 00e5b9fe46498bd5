//! The options of the accelerator `tensorrt`.

use nereid_backend::spec::Accelerator;

use super::Options;

/// Those that Triton has names of its own for.
const RENAMED: [(&str, &str); 3] = [
    ("max_workspace_size_bytes", "trt_max_workspace_size"),
    ("int8_calibration_table_name", "trt_int8_calibration_table_name"),
    ("int8_use_native_calibration_table", "trt_int8_use_native_calibration_table"),
];

/// Those that are called alike.
const SAME: [&str; 28] = [
    "trt_auxiliary_streams",
    "trt_build_heuristics_enable",
    "trt_builder_optimization_level",
    "trt_context_memory_sharing_enable",
    "trt_cuda_graph_enable",
    "trt_detailed_build_log",
    "trt_dla_core",
    "trt_dla_enable",
    "trt_dump_ep_context_model",
    "trt_dump_subgraphs",
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_engine_cache_prefix",
    "trt_ep_context_embed_mode",
    "trt_ep_context_file_path",
    "trt_extra_plugin_lib_paths",
    "trt_force_sequential_engine_build",
    "trt_force_timing_cache",
    "trt_layer_norm_fp32_fallback",
    "trt_max_partition_iterations",
    "trt_min_subgraph_size",
    "trt_profile_max_shapes",
    "trt_profile_min_shapes",
    "trt_profile_opt_shapes",
    "trt_sparsity_enable",
    "trt_tactic_sources",
    "trt_timing_cache_enable",
    "trt_timing_cache_path",
];

/// The provider's options; what is wrong with them is told to `faults`.
pub(super) fn options(accelerator: &Accelerator, faults: &mut Vec<String>) -> Options {
    let mut options = Options::new();
    for (key, value) in &accelerator.parameters {
        let renamed = RENAMED.iter().find(|(theirs, _)| theirs == key);
        match (key.as_str(), renamed) {
            ("precision_mode", _) => match precision(value) {
                Ok(option) => options.extend(option.map(|key| (key.to_owned(), "1".to_owned()))),
                Err(fault) => faults.push(fault),
            },
            (_, Some((_, ours))) => drop(options.insert((*ours).to_owned(), value.clone())),
            (known, None) if SAME.contains(&known) => {
                drop(options.insert(known.to_owned(), value.clone()));
            }
            _ => faults.push(format!(
                "unknown parameter '{key}' is provided for TensorRT Execution Accelerator"
            )),
        }
    }
    options
}

/// The option that allows a precision; none for what is always allowed.
fn precision(mode: &str) -> Result<Option<&'static str>, String> {
    match mode {
        "FP32" => Ok(None),
        "FP16" => Ok(Some("trt_fp16_enable")),
        "BF16" => Ok(Some("trt_bf16_enable")),
        "INT8" => Ok(Some("trt_int8_enable")),
        _ => Err(format!("unsupported precision mode '{mode}' is requested")),
    }
}
