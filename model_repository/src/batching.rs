//! When requests of a model run together.

use std::collections::BTreeSet;
use std::time::Duration;

use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::model_queue_policy;
use nereid_proto::inference::{ModelDynamicBatching, ModelQueuePolicy};

use crate::complete::Completed;
use crate::definition::{Batching, QUEUE_MAX_DEFAULT, QueuePolicy, TimeoutAction};
use crate::stated::Stated;
use crate::stated::scheduling::check_preferred;

/// What `stated` says of batching, completed in it where the rules say so; what does not fit is
/// added to its problems.
pub(crate) fn batching(stated: &mut Stated, completed: &Completed) -> Batching {
    let Stated { config, problems, warnings, .. } = stated;
    let scheduling = &mut config.scheduling_choice;
    if scheduling.is_none() && completed.batches_by_default {
        *scheduling = Some(SchedulingChoice::DynamicBatching(ModelDynamicBatching::default()));
    }
    let ragged = completed.signature.inputs.iter().filter(|input| input.is_ragged);
    let ragged = ragged.map(|input| input.name.clone()).collect();
    let Some(SchedulingChoice::DynamicBatching(dynamic)) = scheduling else {
        return Batching { ragged, ..Batching::default() };
    };
    if stated.rows_max == 0 {
        check_preferred(problems, dynamic, completed.rows_max);
    }
    if completed.rows_max == 0 {
        let text = "dynamic_batching joins no requests, since max_batch_size is 0";
        warnings.push(problems.place("dynamic_batching", text));
    }
    Batching {
        rows_max: completed.rows_max.max(1),
        preferred: preferred(dynamic),
        delay_max: Duration::from_micros(dynamic.max_queue_delay_microseconds),
        queues: queues(dynamic),
        level_default: usize::try_from(dynamic.default_priority_level)
            .map_or(1, |level| level.max(1)),
        preserves_order: dynamic.preserve_ordering,
        ragged,
    }
}

/// Each size once, ascending.
fn preferred(dynamic: &ModelDynamicBatching) -> Vec<usize> {
    let sizes = dynamic.preferred_batch_size.iter();
    let sizes: BTreeSet<_> = sizes.filter_map(|&size| usize::try_from(size).ok()).collect();
    sizes.into_iter().collect()
}

/// The policy of each level; without levels there is one, and its policy is the default's.
fn queues(dynamic: &ModelDynamicBatching) -> Vec<QueuePolicy> {
    let default = dynamic.default_queue_policy.unwrap_or_default();
    if dynamic.priority_levels == 0 {
        return vec![queue_policy(&default)];
    }
    let levels = 1..=dynamic.priority_levels;
    let policies = levels.map(|level| dynamic.priority_queue_policy.get(&level));
    policies.map(|own| queue_policy(own.unwrap_or(&default))).collect()
}

/// In a message, 0 is no limit and no timeout.
fn queue_policy(stated: &ModelQueuePolicy) -> QueuePolicy {
    let timeout = stated.default_timeout_microseconds;
    let is_delay = stated.timeout_action() == model_queue_policy::TimeoutAction::Delay;
    QueuePolicy {
        requests_max: match usize::try_from(stated.max_queue_size) {
            Ok(0) | Err(_) => QUEUE_MAX_DEFAULT,
            Ok(limit) => limit,
        },
        timeout: (timeout > 0).then(|| Duration::from_micros(timeout)),
        timeout_action: if is_delay { TimeoutAction::Delay } else { TimeoutAction::Reject },
        is_timeout_overridable: stated.allow_timeout_override,
    }
}
