//! Reads one model: its folder in, its definitions out, one for each version to be served.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::backend::Backend;
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceId, InstanceSpec, ModelSpec, RawSpec, Signature, TensorSpec};
use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::model_instance_group::Kind;
use nereid_proto::inference::model_optimization_policy::PinnedMemoryBuffer;
use nereid_proto::inference::model_version_policy::{Latest, PolicyChoice};
use nereid_proto::inference::{
    self, ModelDynamicBatching, ModelEnsembling, ModelInput, ModelInstanceGroup,
    ModelOptimizationPolicy, ModelOutput, ModelVersionPolicy,
};

use crate::complete::{Completed, complete};
use crate::definition::{Batching, Definition, Scheduling, Step};
use crate::engine::{self, ENSEMBLE};
use crate::layout::ModelFolder;
use crate::stated::Stated;

/// Requests that wait, for a model whose configuration sets no limit (Triton has none; memory is
/// bounded by the bytes in flight as well).
pub const QUEUE_MAX_DEFAULT: usize = 65_536;

/// Most instances of one model: each is a thread.
pub const INSTANCES_MAX: usize = 128;

/// Reads the model in `folder` and completes it by what `backends` find in its files.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read(
    folder: &ModelFolder,
    backends: &[Arc<dyn Backend>],
) -> Result<Vec<Definition>, LoadError> {
    let stated = Stated::read(folder)?;
    let versions = chosen_versions(folder, &stated)?;
    let mut definitions = Vec::with_capacity(versions.len());
    for version in versions {
        // Every version completes the text anew: their files may differ.
        let stated = Stated::read(folder)?;
        definitions.push(if stated.is_ensemble() {
            read_ensemble(stated, version)?
        } else {
            read_model(folder, stated, version, backends)?
        });
    }
    Ok(definitions)
}

fn chosen_versions(folder: &ModelFolder, stated: &Stated) -> Result<Vec<u64>, LoadError> {
    let mut versions = folder.versions().map_err(|error| {
        LoadError::new(format!("cannot read {}: {error}", folder.path.display()))
    })?;
    let policy = stated.config.version_policy.as_ref();
    match policy.and_then(|policy| policy.policy_choice.as_ref()) {
        Some(PolicyChoice::All(_)) => {}
        Some(PolicyChoice::Specific(specific)) => {
            let wanted = &specific.versions;
            versions.retain(|&version| {
                i64::try_from(version).is_ok_and(|version| wanted.contains(&version))
            });
        }
        Some(PolicyChoice::Latest(latest)) => {
            let count = usize::try_from(latest.num_versions).unwrap_or(usize::MAX).max(1);
            versions.drain(..versions.len().saturating_sub(count));
        }
        None => drop(versions.drain(..versions.len().saturating_sub(1))),
    }
    if versions.is_empty() {
        return Err(LoadError::new(format!(
            "no version to serve: {} needs a folder named by a number, such as 1, that the \
             version policy admits",
            folder.path.display()
        )));
    }
    Ok(versions)
}

fn read_model(
    folder: &ModelFolder,
    mut stated: Stated,
    version: u64,
    backends: &[Arc<dyn Backend>],
) -> Result<Definition, LoadError> {
    let version_folder = folder.path.join(version.to_string());
    let backend = match engine::find(&stated.config, &version_folder, backends) {
        Ok(backend) => backend,
        Err(message) => {
            stated.problems.at("backend", message);
            stated.problems.check()?;
            return Err(LoadError::new("no backend"));
        }
    };
    let file = model_file(&mut stated, &version_folder, backend.as_ref());
    // The engine is asked only about what makes sense so far.
    stated.problems.check()?;
    let parameters = stated.parameters();
    let raw = RawSpec {
        file: file.clone(),
        signature: Signature { inputs: stated.inputs.clone(), outputs: stated.outputs.clone() },
        rows_max: stated.rows_max,
        parameters: parameters.clone(),
    };
    let found = backend.inspect(&raw)?;
    let completed = complete(&mut stated, &found);
    let instances = instances(&mut stated, backend.name());
    stated.problems.check()?;

    let batching = batching(&mut stated, &completed);
    state(&mut stated, &completed, backend.as_ref());
    let spec = ModelSpec {
        name: folder.name.as_str().into(),
        version,
        file,
        signature: completed.signature,
        is_batched: completed.is_batched,
        rows_max: completed.rows_max.max(1),
        parameters,
        instances,
    };
    let scheduling = Scheduling::Queue { backend: backend.name(), batching };
    Ok(Definition { config: stated.config, spec, scheduling, warnings: stated.warnings })
}

/// The model's file, which must be there; the version folder for an engine that needs none.
fn model_file(
    stated: &mut Stated,
    version_folder: &Path,
    backend: &dyn Backend,
) -> std::path::PathBuf {
    let Some(default) = backend.file_name() else { return version_folder.to_owned() };
    if stated.config.default_model_filename.is_empty() {
        default.clone_into(&mut stated.config.default_model_filename);
    }
    let file = version_folder.join(&stated.config.default_model_filename);
    if !file.exists() {
        let message = format!("there is no file {}", file.display());
        stated.problems.at("default_model_filename", message);
    }
    file
}

/// One entry for each instance of each group. Without a group: two on the CPU for ONNX Runtime
/// and one for others, as in Triton.
fn instances(stated: &mut Stated, backend: &str) -> Vec<InstanceSpec> {
    if stated.config.instance_group.is_empty() {
        let count = if backend == "onnxruntime" { 2 } else { 1 };
        let name = stated.config.name.clone();
        let group = ModelInstanceGroup { name, count, ..ModelInstanceGroup::default() };
        stated.config.instance_group.push(group);
    }
    let mut count = 0;
    let mut groups = std::mem::take(&mut stated.config.instance_group);
    for (index, group) in groups.iter_mut().enumerate() {
        let path = format!("instance_group[{index}]");
        if group.name.is_empty() {
            group.name = format!("{}_{index}", stated.config.name);
        }
        match group.kind() {
            Kind::Auto | Kind::Cpu | Kind::Model => group.set_kind(Kind::Cpu),
            Kind::Gpu => stated.problems.at(
                &format!("{path}.kind"),
                "KIND_GPU: this version of Nereid has no GPU engine; use KIND_CPU or KIND_AUTO",
            ),
        }
        // 0 is what protobuf makes of a count that was left out.
        group.count = group.count.max(1);
        count += usize::try_from(group.count).unwrap_or(1);
        if count > INSTANCES_MAX {
            let message = format!("a model has at most {INSTANCES_MAX} instances");
            stated.problems.at(&format!("{path}.count"), message);
            break;
        }
    }
    stated.config.instance_group = groups;
    let device = DeviceId::Cpu;
    (0..count.min(INSTANCES_MAX)).map(|id| InstanceSpec { id: InstanceId(id), device }).collect()
}

fn batching(stated: &mut Stated, completed: &Completed) -> Batching {
    let scheduling = &mut stated.config.scheduling_choice;
    if scheduling.is_none() && completed.rows_max > 1 && stated.rows_max == 0 {
        *scheduling = Some(SchedulingChoice::DynamicBatching(ModelDynamicBatching::default()));
    }
    let Some(SchedulingChoice::DynamicBatching(dynamic)) = scheduling else {
        return Batching {
            rows_max: 1,
            delay_max: Duration::ZERO,
            queue_max: QUEUE_MAX_DEFAULT,
        };
    };
    let policy = dynamic.default_queue_policy.as_ref();
    let queue_max = policy.map_or(0, |policy| policy.max_queue_size);
    Batching {
        rows_max: completed.rows_max.max(1),
        delay_max: Duration::from_micros(dynamic.max_queue_delay_microseconds),
        queue_max: match usize::try_from(queue_max) {
            Ok(0) | Err(_) => QUEUE_MAX_DEFAULT,
            Ok(limit) => limit,
        },
    }
}

/// Writes what was completed into the configuration that clients are shown.
fn state(stated: &mut Stated, completed: &Completed, backend: &dyn Backend) {
    let config = &mut stated.config;
    backend.name().clone_into(&mut config.backend);
    if config.platform.is_empty() {
        engine::platform_of(backend.name()).clone_into(&mut config.platform);
    }
    config.max_batch_size = i32::try_from(completed.rows_max).unwrap_or(i32::MAX);
    for tensor in &completed.signature.inputs {
        let Tensor { name, data_type, dims } = Tensor::of(tensor);
        match config.input.iter_mut().find(|input| input.name == name) {
            Some(input) => (input.data_type, input.dims) = (data_type, dims),
            None => config.input.push(ModelInput { name, data_type, dims, ..Default::default() }),
        }
    }
    for tensor in &completed.signature.outputs {
        let Tensor { name, data_type, dims } = Tensor::of(tensor);
        match config.output.iter_mut().find(|output| output.name == name) {
            Some(output) => (output.data_type, output.dims) = (data_type, dims),
            None => config.output.push(ModelOutput { name, data_type, dims, ..Default::default() }),
        }
    }
    state_defaults(stated);
}

fn state_defaults(stated: &mut Stated) {
    let latest = Latest { num_versions: 1 };
    let policy_choice = Some(PolicyChoice::Latest(latest));
    stated.config.version_policy.get_or_insert(ModelVersionPolicy { policy_choice });
    let optimization =
        stated.config.optimization.get_or_insert_with(ModelOptimizationPolicy::default);
    let pinned = PinnedMemoryBuffer { enable: true };
    optimization.input_pinned_memory.get_or_insert(pinned);
    optimization.output_pinned_memory.get_or_insert(pinned);
}

/// A tensor as the configuration's messages have it.
struct Tensor {
    name: String,
    data_type: i32,
    dims: Vec<i64>,
}

impl Tensor {
    fn of(spec: &TensorSpec) -> Self {
        let data_type = inference::DataType::from_str_name(spec.data_type.config_name());
        Self {
            name: spec.name.to_string(),
            data_type: data_type.unwrap_or_default().into(),
            dims: spec.dims.iter().map(|dim| dim.to_wire()).collect(),
        }
    }
}

fn read_ensemble(mut stated: Stated, version: u64) -> Result<Definition, LoadError> {
    ENSEMBLE.clone_into(&mut stated.config.platform);
    let steps = match &stated.config.scheduling_choice {
        Some(SchedulingChoice::EnsembleScheduling(ensemble)) => steps(ensemble),
        _ => Vec::new(),
    };
    if steps.is_empty() {
        stated.problems.at("platform", "an ensemble needs ensemble_scheduling with steps");
    }
    if !stated.config.instance_group.is_empty() {
        let message = "an ensemble has no instances: the models of its steps have";
        stated.problems.at("instance_group[0]", message);
    }
    let is_short = stated.inputs.len() != stated.config.input.len()
        || stated.outputs.len() != stated.config.output.len();
    if stated.inputs.is_empty() || stated.outputs.is_empty() || is_short {
        stated.problems.whole("an ensemble states name, data_type and dims of all its inputs and outputs");
    }
    stated.problems.check()?;
    state_defaults(&mut stated);
    let spec = ModelSpec {
        name: stated.config.name.as_str().into(),
        version,
        file: std::path::PathBuf::new(),
        signature: Signature { inputs: stated.inputs, outputs: stated.outputs },
        is_batched: stated.rows_max > 0,
        rows_max: stated.rows_max.max(1),
        parameters: std::collections::BTreeMap::new(),
        instances: Vec::new(),
    };
    let scheduling = Scheduling::Ensemble(steps);
    Ok(Definition { config: stated.config, spec, scheduling, warnings: stated.warnings })
}

fn steps(ensemble: &ModelEnsembling) -> Vec<Step> {
    let map = |map: &std::collections::HashMap<String, String>| {
        map.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
    };
    let step = |step: &inference::model_ensembling::Step| Step {
        model: step.model_name.clone(),
        version: u64::try_from(step.model_version).ok().filter(|&version| version > 0),
        inputs: map(&step.input_map),
        outputs: map(&step.output_map),
    };
    ensemble.step.iter().map(step).collect()
}
