//! The configuration that clients are shown: what the user wrote, and what was completed.

use nereid_backend::backend::Backend;
use nereid_backend::spec::{Dim, TensorSpec};
use nereid_proto::inference::model_optimization_policy::PinnedMemoryBuffer;
use nereid_proto::inference::model_version_policy::{Latest, PolicyChoice};
use nereid_proto::inference::{
    DataType, ModelConfig, ModelInput, ModelOptimizationPolicy, ModelOutput, ModelTensorReshape,
    ModelVersionPolicy,
};

use crate::complete::Completed;
use crate::engine;

/// Writes what was completed into the configuration that clients are shown.
pub(crate) fn state(config: &mut ModelConfig, completed: &Completed, backend: &dyn Backend) {
    backend.name().clone_into(&mut config.backend);
    if config.platform.is_empty() {
        engine::platform_of(backend.name()).clone_into(&mut config.platform);
    }
    config.max_batch_size = i32::try_from(completed.rows_max).unwrap_or(i32::MAX);
    for tensor in &completed.signature.inputs {
        let Tensor { name, data_type, dims, reshape } = Tensor::of(tensor);
        if let Some(input) = config.input.iter_mut().find(|input| input.name == name) {
            (input.data_type, input.dims, input.reshape) = (data_type, dims, reshape);
        } else {
            let rest = ModelInput::default();
            config.input.push(ModelInput { name, data_type, dims, reshape, ..rest });
        }
    }
    for tensor in &completed.signature.outputs {
        let Tensor { name, data_type, dims, reshape } = Tensor::of(tensor);
        if let Some(output) = config.output.iter_mut().find(|output| output.name == name) {
            (output.data_type, output.dims, output.reshape) = (data_type, dims, reshape);
        } else {
            let rest = ModelOutput::default();
            config.output.push(ModelOutput { name, data_type, dims, reshape, ..rest });
        }
    }
    state_defaults(config);
}

/// Writes the defaults that Triton prints.
pub(crate) fn state_defaults(config: &mut ModelConfig) {
    let latest = Latest { num_versions: 1 };
    let policy_choice = Some(PolicyChoice::Latest(latest));
    config.version_policy.get_or_insert(ModelVersionPolicy { policy_choice });
    let optimization = config.optimization.get_or_insert_with(ModelOptimizationPolicy::default);
    let pinned = PinnedMemoryBuffer { enable: true };
    optimization.input_pinned_memory.get_or_insert(pinned);
    optimization.output_pinned_memory.get_or_insert(pinned);
}

/// A tensor as the configuration's messages have it.
struct Tensor {
    name: String,
    data_type: i32,
    dims: Vec<i64>,
    reshape: Option<ModelTensorReshape>,
}

impl Tensor {
    fn of(spec: &TensorSpec) -> Self {
        let data_type = DataType::from_str_name(spec.data_type.config_name());
        let wire = |dims: &[Dim]| dims.iter().map(|dim| dim.to_wire()).collect();
        Self {
            name: spec.name.to_string(),
            data_type: data_type.unwrap_or_default().into(),
            dims: wire(&spec.dims),
            reshape: spec.reshape.as_deref().map(|dims| ModelTensorReshape { shape: wire(dims) }),
        }
    }
}
