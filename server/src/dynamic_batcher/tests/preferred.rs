//! The walk: which sizes run at once, and what runs when the time is up.

use super::*;

/// Up to 8 rows, rather 2 or 4, and many that wait.
fn preferring() -> Batching {
    let queue = QueuePolicy { requests_max: 99, ..policy().queues[0] };
    Batching { rows_max: 8, preferred: vec![2, 4], queues: vec![queue], ..policy() }
}

/// Pushes requests of these rows at 0 ms, and tells what instance 0 does at `ms`.
fn walked(policy: &Batching, rows: &[usize], ms: usize) -> String {
    let mut script = Script::new(policy.clone());
    for rows in rows {
        script.play(&format!("0 push {rows}"));
    }
    script.play(&format!("{ms} poll 0"))
}

#[test]
fn preferred_sizes_run_at_once() {
    let check = |rows: &[usize], expected: &str| {
        assert_eq!(walked(&preferring(), rows, 4), expected, "{rows:?}");
    };
    check(&[1], "until 5");
    check(&[2], "run [2]");
    check(&[1, 1, 1], "run [1, 1]");
    check(&[1, 1, 1, 1], "run [1, 1, 1, 1]");
    check(&[1, 1, 1, 1, 1], "run [1, 1, 1, 1]");
    check(&[3], "until 5");
    check(&[3, 2], "run [3]"); // One more is too many for all preferred sizes.
    check(&[1, 2, 2], "run [1, 2]");
    check(&[1, 1, 3], "run [1, 1]");
    check(&[5], "run [5]");
    check(&[5, 1], "run [5]");
    check(&[9, 1], "run [9]");
}

#[test]
fn who_has_waited_long_enough_runs_with_all_that_fit() {
    let check = |rows: &[usize], expected: &str| {
        assert_eq!(walked(&preferring(), rows, 5), expected, "{rows:?}");
    };
    check(&[1], "run [1]");
    check(&[1, 1, 1], "run [1, 1, 1]");
    check(&[1, 1, 1, 1, 1], "run [1, 1, 1, 1, 1]");
    check(&[3, 2, 3, 1], "run [3, 2, 3]");
    check(&[3, 2, 4], "run [3, 2]");
    check(&[9, 1], "run [9]");
}

#[test]
fn preferred_sizes_without_a_delay() {
    let check = |rows: &[usize], expected: &str| {
        let policy = Batching { delay_max: Duration::ZERO, ..preferring() };
        assert_eq!(walked(&policy, rows, 9), expected, "{rows:?}");
    };
    check(&[1], "run [1]");
    check(&[1, 1, 1], "run [1, 1]");
    check(&[1, 1, 1, 1, 1], "run [1, 1, 1, 1]");
    check(&[3, 2, 3], "run [3]");
    check(&[5, 1], "run [5]");
}

#[test]
fn a_preferred_size_wakes_and_what_is_left_waits_for_itself() {
    check_with(
        preferring(),
        &[
            ("0 poll 0", "idle"),
            ("0 poll 1", "idle"),
            ("0 push 1", "wake 0"),
            ("0 poll 0", "until 5"),
            ("1 push 2", ""),
            ("2 push 2", "wake 0"), // Too many for 4: the 3 may go.
            ("2 poll 0", "run [1, 2] wake 1"),
            ("2 poll 1", "run [2]"), // A preferred size by itself.
        ],
    );
}

#[test]
fn who_was_swept_out_is_not_counted() {
    check_with(
        Batching { preferred: Vec::new(), ..preferring() },
        &[
            ("0 poll 0", "idle"),
            ("0 push 3", "wake 0"),
            ("0 push 5", ""),
            ("0 push 4", ""),
            ("1 leave 0", ""),
            ("1 sweep", "[Cancelled]"),
            ("1 poll 0", "run [5]"), // 9 would be too many.
        ],
    );
}
