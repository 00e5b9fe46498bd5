//! What `dynamic_batching` states, checked: numbers in range, and nothing that contradicts itself.

use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::model_queue_policy::TimeoutAction;
use nereid_proto::inference::{ModelDynamicBatching, ModelQueuePolicy};

use super::Stated;
use crate::definition::PRIORITY_LEVELS_MAX;
use crate::problems::Problems;

/// Notes what is wrong with the scheduling of `stated` by itself.
pub(super) fn check(stated: &mut Stated) {
    let Stated { config, problems, rows_max, warnings, .. } = stated;
    let Some(SchedulingChoice::DynamicBatching(batching)) = &config.scheduling_choice else {
        return;
    };
    // Where no limit is stated, the engine may still find one.
    if *rows_max > 0 {
        check_preferred(problems, batching, *rows_max);
    }
    if batching.priority_levels > 0 {
        check_levels(problems, batching);
    } else {
        warnings.extend(levels_in_vain(problems, batching));
    }
    if batching.preserve_ordering {
        check_order(problems, batching);
    }
}

/// Notes what is wrong with the preferred sizes of a model that takes up to `rows_max` rows.
pub(crate) fn check_preferred(
    problems: &mut Problems,
    batching: &ModelDynamicBatching,
    rows_max: usize,
) {
    for &size in &batching.preferred_batch_size {
        if !usize::try_from(size).is_ok_and(|rows| (1..=rows_max).contains(&rows)) {
            problems.at(
                "dynamic_batching.preferred_batch_size",
                format_args!(
                    "preferred_batch_size must be positive and at most max_batch_size, which is \
                     {rows_max}; got {size}"
                ),
            );
        }
    }
}

fn check_levels(problems: &mut Problems, batching: &ModelDynamicBatching) {
    let levels = batching.priority_levels;
    if usize::try_from(levels).map_or(true, |levels| levels > PRIORITY_LEVELS_MAX) {
        problems.at(
            "dynamic_batching.priority_levels",
            format_args!("priority_levels must be at most {PRIORITY_LEVELS_MAX}, got {levels}"),
        );
    }
    let default = batching.default_priority_level;
    if !(1..=levels).contains(&default) {
        problems.at(
            "dynamic_batching.default_priority_level",
            format_args!(
                "default_priority_level must be from 1 (the highest) to priority_levels, which \
                 is {levels}; got {default}"
            ),
        );
    }
    for level in batching.priority_queue_policy.keys().filter(|level| !(1..=levels).contains(level))
    {
        problems.at(
            &format!("dynamic_batching.priority_queue_policy[{level}]"),
            format_args!(
                "a key of priority_queue_policy is a level from 1 to priority_levels, which is \
                 {levels}; got {level}"
            ),
        );
    }
}

fn levels_in_vain(
    problems: &Problems,
    batching: &ModelDynamicBatching,
) -> impl Iterator<Item = String> {
    let stated = [
        ("default_priority_level", batching.default_priority_level > 0),
        ("priority_queue_policy", !batching.priority_queue_policy.is_empty()),
    ];
    let stated = stated.into_iter().filter(|(_, is_stated)| *is_stated);
    stated.map(|(field, _)| {
        let text = format!("{field} has no effect without priority_levels");
        problems.place(&format!("dynamic_batching.{field}"), text)
    })
}

/// Requests are answered in the order in which they came only if they are run in it.
fn check_order(problems: &mut Problems, batching: &ModelDynamicBatching) {
    let levels = batching.priority_levels;
    if levels > 1 {
        problems.at(
            "dynamic_batching.priority_levels",
            format_args!(
                "preserve_ordering needs a single priority level: set priority_levels to 1 or \
                 leave it out; got {levels}"
            ),
        );
    }
    let default = ("default_queue_policy".to_owned(), batching.default_queue_policy.as_ref());
    let own = batching.priority_queue_policy.iter().filter(|(level, _)| **level <= levels);
    let own = own.map(|(level, own)| (format!("priority_queue_policy[{level}]"), Some(own)));
    for (path, policy) in std::iter::once(default).chain(own) {
        let delays = |policy: &ModelQueuePolicy| {
            policy.timeout_action() == TimeoutAction::Delay
                && policy.default_timeout_microseconds > 0
        };
        if policy.is_some_and(delays) {
            problems.at(
                &format!("dynamic_batching.{path}.timeout_action"),
                "preserve_ordering allows no timeout_action DELAY, which lets later requests pass",
            );
        }
    }
}
