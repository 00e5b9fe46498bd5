//! What `dynamic_batching` states, checked: numbers in range, and nothing that contradicts itself.

use nereid_proto::inference::ModelDynamicBatching;
use nereid_proto::inference::model_config::SchedulingChoice;

use super::Stated;
use crate::problems::Problems;

/// Notes what is wrong with the scheduling of `stated` by itself.
pub(super) fn check(stated: &mut Stated) {
    let Stated { config, problems, rows_max, .. } = stated;
    let Some(SchedulingChoice::DynamicBatching(batching)) = &config.scheduling_choice else {
        return;
    };
    // Where no limit is stated, the engine may still find one.
    if *rows_max > 0 {
        check_preferred(problems, batching, *rows_max);
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
