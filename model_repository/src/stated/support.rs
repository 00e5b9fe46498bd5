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
    warnings.extend(ignored(config));
}

/// Notes that what the field at `path` means is not to be had.
fn refuse(problems: &mut Problems, path: &str, what: &str) {
    problems.at(path, format_args!("{what} is not supported by this version of Nereid"));
}

fn ignored(config: &ModelConfig) -> impl Iterator<Item = String> {
    let optimization = config.optimization.clone().unwrap_or_default();
    let stated = [
        ("optimization.priority", optimization.priority != 0),
        ("optimization.cuda", optimization.cuda.is_some()),
        ("optimization.eager_batching", optimization.eager_batching),
        ("cc_model_filenames", !config.cc_model_filenames.is_empty()),
        ("metric_tags", !config.metric_tags.is_empty()),
        ("model_metrics", config.model_metrics.is_some()),
        ("response_cache", config.response_cache.is_some_and(|cache| cache.enable)),
    ];
    let stated = stated.into_iter().filter(|(_, is_stated)| *is_stated);
    stated.map(|(field, _)| format!("{field} has no effect in this version of Nereid"))
}
