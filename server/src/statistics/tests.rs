use super::*;
use crate::fakes::times;

#[test]
fn each_stage_is_counted_where_it_belongs() {
    let statistics = Statistics::default();
    statistics.executed(3, &times());
    statistics.answered(2, &times(), None);
    statistics.answered(1, &times(), None);
    let now = statistics.snapshot();
    let total = |ns: u64| Total { count: 2, ns: 2 * ns };
    let stages = [now.queue, now.compute_input, now.compute_infer, now.compute_output];
    assert_eq!(stages, [total(1_000), total(2_000), total(3_000), total(4_000)]);
    assert_eq!((now.success, now.failure), (total(10_000), Total::default()));
    assert_eq!((now.inferences, now.executions), (3, 1));
    assert_eq!(now.batches[&3].compute_infer, Total { count: 1, ns: 3_000 });
    assert!(now.last_inference_ms > 0);
}

#[test]
fn a_failure_has_its_reason_and_nothing_else() {
    let statistics = Statistics::default();
    let errors = [
        InferError::QueueFull("".into()),
        InferError::Cancelled("".into()),
        InferError::Abandoned,
        InferError::Step {
            ensemble: "e".into(),
            step: "s".into(),
            source: Box::new(InferError::Abandoned),
        },
    ];
    for error in &errors {
        statistics.answered(1, &times(), Some(error));
    }
    let now = statistics.snapshot();
    assert_eq!((now.failures, now.failure.count), ([1, 1, 1, 1], 4));
    assert_eq!((now.success.count, now.inferences, now.queue.count), (0, 0, 0));
}

#[test]
fn reasons_are_those_of_triton() {
    #[track_caller]
    fn check(error: &InferError, expected: &str) {
        assert_eq!(Reason::of(error).label(), expected);
    }
    check(&InferError::QueueFull("".into()), "REJECTED");
    check(&InferError::Overloaded(String::new()), "REJECTED");
    check(&InferError::Expired("".into()), "REJECTED");
    check(&InferError::Closed("".into()), "REJECTED");
    check(&InferError::Cancelled("".into()), "CANCELED");
    check(&InferError::Backend("".into()), "BACKEND");
    check(&InferError::Abandoned, "BACKEND");
    check(&InferError::Invalid(String::new()), "BACKEND");
    let cancelled = Box::new(InferError::Cancelled("".into()));
    check(&InferError::Step { ensemble: "e".into(), step: "s".into(), source: cancelled }, "OTHER");
}

#[test]
fn quantiles_are_known_to_those_who_asked() {
    assert!(Statistics::default().quantiles(&[0.5]).is_none());
    let statistics = Statistics::with_summaries();
    statistics.answered(1, &times(), None);
    statistics.answered(1, &times(), Some(&InferError::Abandoned));
    let found = statistics.quantiles(&[0.5]).unwrap();
    assert_eq!(found.concat(), [10.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn many_threads_lose_nothing() {
    let statistics = Statistics::default();
    std::thread::scope(|scope| {
        for rows in 1..=4 {
            let statistics = &statistics;
            scope.spawn(move || {
                for _ in 0..1_000 {
                    statistics.executed(rows, &times());
                    statistics.answered(rows, &times(), None);
                }
            });
        }
    });
    let now = statistics.snapshot();
    assert_eq!((now.executions, now.inferences, now.success.count), (4_000, 10_000, 4_000));
    assert_eq!(now.success.ns, 40_000_000);
    let counts = now.batches.values().map(|totals| totals.compute_infer);
    assert_eq!(counts.collect::<Vec<_>>(), [Total { count: 1_000, ns: 3_000_000 }; 4]);
}
