use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::observer::Observer;
use nereid_backend::parts::{Stages, Times};
use nereid_proto::json::to_json;
use serde_json::{Value, json};

use super::*;
use crate::fakes;
use crate::registry::{Registry, Status};
use crate::statistics::Statistics;

/// The model `m` with these statistics.
fn served(statistics: Statistics) -> Registry {
    let (mut registry, _) = Registry::new();
    let (definition, route) = (fakes::definition("m"), fakes::plain_queue());
    let served = Served { definition, route, statistics: Arc::new(statistics), model: None };
    registry.set("m", 1, Status::Ready(Arc::new(served)));
    registry
}

/// As Triton prints a model that nobody has asked yet.
#[test]
fn statistics_have_every_field_of_triton() {
    let registry = served(Statistics::default());
    let zero = json!({"count": 0, "ns": 0});
    let expected = json!({"model_stats": [{
        "name": "m",
        "version": "1",
        "last_inference": 0,
        "inference_count": 0,
        "execution_count": 0,
        "inference_stats": {
            "success": zero,
            "fail": zero,
            "queue": zero,
            "compute_input": zero,
            "compute_infer": zero,
            "compute_output": zero,
            "cache_hit": zero,
            "cache_miss": zero,
        },
        "response_stats": {},
        "batch_stats": [],
        "memory_usage": [],
    }]});
    let text = to_json(&statistics(registry.catalog(), None, None).unwrap());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

/// Counts of requests are those of requests, and counts of batches those of executions.
#[test]
fn a_batch_of_two_requests_is_one_execution() {
    let statistics = Statistics::default();
    let ns = Duration::from_nanos;
    let stages = Stages { compute_input: ns(2), compute_infer: ns(3), compute_output: ns(4) };
    let now = Instant::now();
    let times = Times {
        queued: Some(now),
        started: Some(now + ns(1)),
        outputs_ready: Some(now + ns(10)),
        steps: Some(stages),
        ..Times::default()
    };
    statistics.executed(3, &times);
    statistics.answered(1, &times, None);
    statistics.answered(2, &times, None);
    statistics.answered(1, &times, Some(&InferError::Abandoned));
    let registry = served(statistics);
    let found = super::statistics(registry.catalog(), Some("m"), Some(1)).unwrap();
    let [model] = &found.model_stats[..] else { panic!("one model, please") };
    assert_eq!((model.inference_count, model.execution_count), (3, 1));
    assert!(model.last_inference > 0);
    let all = model.inference_stats.unwrap();
    let total = |count, ns| Some(StatisticDuration { count, ns });
    assert_eq!([all.success, all.queue], [total(2, 20), total(2, 2)]);
    let computed = [all.compute_input, all.compute_infer, all.compute_output];
    assert_eq!(computed, [total(2, 4), total(2, 6), total(2, 8)]);
    assert_eq!(all.fail.unwrap().count, 1);
    assert_eq!([all.cache_hit, all.cache_miss], [total(0, 0); 2]);
    let [batch] = model.batch_stats[..] else { panic!("one size, please") };
    assert_eq!(batch.batch_size, 3);
    let computed = [batch.compute_input, batch.compute_infer, batch.compute_output];
    assert_eq!(computed, [total(1, 2), total(1, 3), total(1, 4)]);
}

#[test]
fn what_is_not_there_is_named() {
    #[track_caller]
    fn check(model: &str, version: Option<u64>, expected: &str) {
        let registry = served(Statistics::default());
        let error = statistics(registry.catalog(), Some(model), version).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    check("nope", None, "requested model 'nope' is not available");
    check("nope", Some(1), "requested model 'nope' is not available");
    check("m", Some(9), "requested model version is not available for model 'm'");
}

#[test]
fn memory_is_told_by_triton_s_types() {
    let check = |device, kind: &str, id| {
        let usage = memory_usage(backend::MemoryUsage { device, size_bytes: 7 });
        assert_eq!(usage, MemoryUsage { r#type: kind.to_owned(), id, byte_size: 7 });
    };
    check(DeviceId::Cpu, "CPU", 0);
    check(DeviceId::Cuda(2), "GPU", 2);
}

#[test]
fn statistics_tell_the_memory_while_the_model_lives() {
    let echo = fakes::echo();
    let (definition, route) = (fakes::definition("m"), fakes::plain_queue());
    let model = Some(Arc::downgrade(&echo));
    let served = Served { definition, route, statistics: Arc::default(), model };
    let sizes = || model_statistics(&served).memory_usage.iter().map(|usage| usage.byte_size).sum();
    let held: u64 = sizes();
    drop(echo);
    assert_eq!((held, sizes()), (7, 0));
}
