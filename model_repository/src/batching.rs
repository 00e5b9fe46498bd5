//! When requests of a model run together.

use std::time::Duration;

use nereid_proto::inference::ModelConfig;
use nereid_proto::inference::ModelDynamicBatching;
use nereid_proto::inference::model_config::SchedulingChoice;

use crate::complete::Completed;
use crate::definition::Batching;

/// Requests that wait, for a model whose configuration sets no limit (Triton has none; memory is
/// bounded by the bytes in flight as well).
pub(crate) const QUEUE_MAX_DEFAULT: usize = 65_536;

/// What `config` states of batching, completed in it where the rules say so.
pub(crate) fn batching(config: &mut ModelConfig, completed: &Completed) -> Batching {
    let scheduling = &mut config.scheduling_choice;
    if scheduling.is_none() && completed.batches_by_default {
        *scheduling = Some(SchedulingChoice::DynamicBatching(ModelDynamicBatching::default()));
    }
    let ragged = completed.signature.inputs.iter().filter(|input| input.is_ragged);
    let ragged = ragged.map(|input| input.name.clone()).collect();
    let Some(SchedulingChoice::DynamicBatching(dynamic)) = scheduling else {
        let (rows_max, delay_max, queue_max) = (1, Duration::ZERO, QUEUE_MAX_DEFAULT);
        return Batching { rows_max, delay_max, queue_max, ragged };
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
        ragged,
    }
}
