//! Compares with answers of Triton's `/v2/models/<model>/config`, which lie in `config/golden`.

use serde_json::Value as Json;

use super::*;
use crate::config;
use crate::inference::model_config::SchedulingChoice;
use crate::inference::model_sequence_batching::{StrategyChoice, StrategyDirect};
use crate::inference::{
    ModelConfig, ModelDynamicBatching, ModelQueuePolicy, ModelSequenceBatching, model_metrics,
};

const GOLDEN: [&str; 4] = [
    include_str!("../config/golden/simple.json"),
    include_str!("../config/golden/simple_identity.json"),
    include_str!("../config/golden/simple_sequence.json"),
    include_str!("../config/golden/repeat_int32.json"),
];

#[test]
fn prints_what_triton_prints() {
    for text in GOLDEN {
        let printed = to_json(&config::from_json(text).unwrap());
        let parsed = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        assert_eq!(parsed(&printed), parsed(text));
        assert_eq!(printed, text);
    }
}

/// The text that was served, and what was answered.
#[test]
fn prints_a_text_as_triton_does() {
    let text = include_bytes!("../config/golden/simple.pbtxt");
    assert_eq!(to_json(&config::parse(text).unwrap().config), GOLDEN[0]);
}

#[test]
fn what_json_has_no_number_for() {
    let check = |value: f32, expected: &str| {
        let direct = StrategyDirect { minimum_slot_utilization: value, ..Default::default() };
        let text = format!(
            "{{\"max_queue_delay_microseconds\":0,\"minimum_slot_utilization\":{expected}}}"
        );
        assert_eq!(to_json(&direct), text);
        let sequence = ModelSequenceBatching {
            strategy_choice: Some(StrategyChoice::Direct(direct)),
            ..Default::default()
        };
        let choice = Some(SchedulingChoice::SequenceBatching(sequence));
        let config = ModelConfig { scheduling_choice: choice, ..Default::default() };
        // NaN differs from itself, so texts are compared.
        let again = config::from_json(&to_json(&config)).unwrap();
        assert_eq!(to_json(&again), to_json(&config));
    };
    check(1.0, "1");
    check(0.1, "0.1");
    check(f32::INFINITY, "\"Infinity\"");
    check(f32::NEG_INFINITY, "\"-Infinity\"");
    check(f32::NAN, "\"NaN\"");
    let buckets = vec![1e-7, f64::INFINITY];
    let options = model_metrics::metric_control::HistogramOptions { buckets };
    assert_eq!(to_json(&options), "{\"buckets\":[0.0000001,\"Infinity\"]}");
}

#[test]
fn maps_and_large_numbers() {
    let policy = |size| ModelQueuePolicy { max_queue_size: size, ..Default::default() };
    let dynamic = ModelDynamicBatching {
        max_queue_delay_microseconds: u64::MAX,
        priority_queue_policy: [(2, policy(1)), (u64::MAX, policy(2))].into(),
        ..Default::default()
    };
    let policy = |size| {
        format!(
            "{{\"timeout_action\":\"REJECT\",\"default_timeout_microseconds\":0,\
             \"allow_timeout_override\":false,\"max_queue_size\":{size}}}"
        )
    };
    let expected = format!(
        "{{\"preferred_batch_size\":[],\"max_queue_delay_microseconds\":18446744073709551615,\
         \"preserve_ordering\":false,\"priority_levels\":0,\"default_priority_level\":0,\
         \"priority_queue_policy\":{{\"18446744073709551615\":{},\"2\":{}}}}}",
        policy(2),
        policy(1)
    );
    assert_eq!(to_json(&dynamic), expected);
}

#[test]
fn entries_of_a_map_come_in_the_order_of_their_keys() {
    let keys = || ('a'..='z').map(String::from);
    let metric_tags = keys().map(|key| (key, String::new())).collect();
    let text = to_json(&ModelConfig { metric_tags, ..Default::default() });
    let expected: Vec<_> = keys().map(|key| format!("\"{key}\":\"\"")).collect();
    assert!(text.contains(&format!("\"metric_tags\":{{{}}}", expected.join(","))), "{text}");
}

#[test]
fn numbers_that_an_enum_lacks_stay_numbers() {
    let policy = ModelQueuePolicy { timeout_action: 9, ..Default::default() };
    assert!(to_json(&policy).starts_with("{\"timeout_action\":9,"));
}
