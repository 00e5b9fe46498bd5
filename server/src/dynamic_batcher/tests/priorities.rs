//! Levels: who is first, and who is in which queue.

use super::*;

/// Levels of 9, 2 and 9 requests; 2 is the default.
fn with_levels() -> Batching {
    let queue = |requests_max| QueuePolicy { requests_max, ..QueuePolicy::default() };
    Batching { queues: [9, 2, 9].map(queue).into(), level_default: 2, ..without_delay() }
}

#[test]
fn the_higher_level_is_first() {
    check_with(
        with_levels(),
        &[
            ("0 push at 4 3", ""),
            ("1 push at 3 1", ""),
            ("1 push at 1 2", ""),
            ("2 push at 2 1", ""),
            ("3 poll 0", "run [3]"), // 3 and 2 are too many, and nobody overtakes within a batch.
            ("3 push at 1 1", ""),
            ("3 poll 0", "run [2, 1, 1]"),
            ("4 done 0", ""),
            ("4 poll 0", "run [4]"),
        ],
    );
}

#[test]
fn who_asks_for_no_level_is_at_the_default() {
    for none in [0, 4, usize::MAX] {
        let push = format!("1 push at 1 {none}");
        check_with(
            with_levels(),
            &[
                ("0 push at 3 3", ""),
                (&push, ""),
                ("1 push at 2 2", ""),
                ("1 push at 4 2", "Full"),
                ("1 push at 2 1", ""),
                ("2 poll 0", "run [2, 1]"),
                ("2 poll 0", "run [2]"),
            ],
        );
    }
}

#[test]
fn levels_run_together_and_the_oldest_of_all_has_waited_longest() {
    let policy = Batching { delay_max: Duration::from_millis(5), ..with_levels() };
    check_with(
        policy,
        &[
            ("0 push at 1 3", ""),
            ("0 poll 0", "until 5"),
            ("4 push at 1 1", ""),
            ("4 push at 1 2", ""),
            ("4 poll 0", "until 5"),
            ("5 poll 0", "run [1, 1, 1]"),
        ],
    );
}

#[test]
fn who_comes_in_between_changes_what_an_idle_instance_runs() {
    let policy = Batching { delay_max: Duration::from_millis(5), ..with_levels() };
    check_with(
        policy.clone(),
        &[
            ("0 poll 0", "idle"),
            ("0 push at 3 3", "wake 0"),
            ("0 push at 1 1", ""),
            ("0 poll 0", "run [1, 3]"),
        ],
    );
    check_with(
        policy,
        &[
            ("0 poll 0", "idle"),
            ("0 push at 2 1", "wake 0"),
            ("0 push at 3 3", ""), // Does not fit, but the next one does.
            ("0 push at 2 2", ""),
            ("0 poll 0", "run [2, 2]"),
            ("0 poll 0", "until 5"),
        ],
    );
}

#[test]
fn who_is_late_is_behind_its_own_level_and_before_all_below() {
    let delay = QueuePolicy {
        timeout: Some(Duration::from_millis(2)),
        timeout_action: TimeoutAction::Delay,
        ..QueuePolicy::default()
    };
    check_with(
        Batching { queues: vec![delay; 2], level_default: 1, ..without_delay() },
        &[
            ("0 push at 4 1", ""),
            ("1 push at 2 2", ""),
            ("2 push at 3 1", ""),
            ("2 poll 0", "run [3]"),
            ("2 poll 0", "run [4]"),
            ("3 done 0", ""),
            ("3 poll 0", "run [2]"),
        ],
    );
}

#[test]
fn who_would_not_run_now_is_not_judged_now() {
    let timeout = Some(Duration::from_millis(10));
    let queue = QueuePolicy { timeout, ..QueuePolicy::default() };
    check_with(
        Batching { queues: vec![queue; 2], ..without_delay() },
        &[
            ("0 push at 1 2", ""),
            ("5 push at 4 1", ""),
            ("10 poll 0", "run [4]"),
            ("10 poll 0", "[Expired]"),
        ],
    );
}

#[test]
fn a_push_tells_its_place() {
    let mut levels = Levels::new(&with_levels());
    let now = Instant::now();
    let mut push = |priority| {
        let (mut request, _client) = fakes::request(1);
        request.priority = priority;
        levels.push(request, now, now).map_err(|(_, refusal)| refusal)
    };
    let places = [3, 1, 2, 1, 2, 3, 2].map(&mut push);
    assert_eq!(places, [Ok(0), Ok(0), Ok(1), Ok(1), Ok(3), Ok(5), Err(Refusal::Full)]);
}
