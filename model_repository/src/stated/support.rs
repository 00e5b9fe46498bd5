//! What a configuration may ask for and this version does not have. It is refused where ignoring
//! it would change answers, and else a warning.

use nereid_proto::inference::ModelConfig;
use nereid_proto::inference::model_config::SchedulingChoice;

use super::Stated;
use crate::problems::Problems;

/// Refuses or warns of what `stated` asks for in vain.
pub(super) fn check(stated: &mut Stated) {
    let Stated { config, problems, warnings, .. } = stated;
    if let Some(SchedulingChoice::SequenceBatching(_)) = config.scheduling_choice {
        refuse(problems, "sequence_batching", "sequence batching");
    }
    if config.model_transaction_policy.is_some_and(|policy| policy.decoupled) {
        refuse(problems, "model_transaction_policy", "a decoupled model");
    }
    if !config.batch_input.is_empty() {
        refuse(problems, "batch_input", "batch_input");
    }
    if !config.batch_output.is_empty() {
        refuse(problems, "batch_output", "batch_output");
    }
    if config.model_repository_agents.is_some() {
        refuse(problems, "model_repository_agents", "a repository agent");
    }
    let ignored = ignored(config).into_iter();
    warnings.extend(ignored.map(|path| {
        let field = field(&path);
        problems.place(&path, format_args!("{field} has no effect in this version of Nereid"))
    }));
}

/// Notes that what the field at `path` means is not to be had.
pub(super) fn refuse(problems: &mut Problems, path: &str, what: &str) {
    problems.at(path, format_args!("{what} is not supported by this version of Nereid"));
}

/// Whether nothing is stated that another engine runs it; only TensorRT has profiles.
pub(super) fn may_run_tensorrt(config: &ModelConfig) -> bool {
    let is_other = |name: &str, tensorrt| !name.is_empty() && name != tensorrt;
    !is_other(&config.backend, "tensorrt") && !is_other(&config.platform, "tensorrt_plan")
}

/// The paths of what is ignored.
fn ignored(config: &ModelConfig) -> Vec<String> {
    let optimization = config.optimization.clone().unwrap_or_default();
    let stated = [
        ("runtime", !config.runtime.is_empty()),
        ("optimization.cuda", optimization.cuda.is_some()),
        (
            "optimization.gather_kernel_buffer_threshold",
            optimization.gather_kernel_buffer_threshold != 0,
        ),
        ("optimization.eager_batching", optimization.eager_batching),
        ("cc_model_filenames", !config.cc_model_filenames.is_empty()),
        ("metric_tags", !config.metric_tags.is_empty()),
        ("model_metrics", config.model_metrics.is_some()),
        ("response_cache", config.response_cache.is_some_and(|cache| cache.enable)),
    ];
    let stated = stated.into_iter().filter(|(_, is_stated)| *is_stated);
    let mut paths: Vec<_> = stated.map(|(path, _)| path.to_owned()).collect();
    for (index, group) in config.instance_group.iter().enumerate() {
        let stated = [
            ("rate_limiter", group.rate_limiter.is_some()),
            ("secondary_devices", !group.secondary_devices.is_empty()),
            ("profile", !group.profile.is_empty() && !may_run_tensorrt(config)),
            ("passive", group.passive),
            ("host_policy", !group.host_policy.is_empty()),
        ];
        let stated = stated.into_iter().filter(|(_, is_stated)| *is_stated);
        paths.extend(stated.map(|(field, _)| format!("instance_group[{index}].{field}")));
    }
    paths
}

/// The path without the numbers, which are for machines.
fn field(path: &str) -> String {
    match (path.find('['), path.find(']')) {
        (Some(start), Some(end)) => format!("{}{}", &path[..start], &path[end + 1..]),
        _ => path.to_owned(),
    }
}
