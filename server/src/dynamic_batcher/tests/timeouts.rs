//! Who waits too long, for its own taste or for its queue's.

use super::*;

/// Nobody waits for company, and everybody for up to `ms` for an instance.
fn with_timeout(ms: u64, timeout_action: TimeoutAction) -> Batching {
    let timeout = Some(Duration::from_millis(ms));
    let queue = QueuePolicy { timeout, timeout_action, ..policy().queues[0] };
    Batching { queues: vec![queue], ..without_delay() }
}

#[test]
fn a_queue_refuses_who_waits_too_long() {
    let policy = with_timeout(10, TimeoutAction::Reject);
    check_with(
        policy.clone(),
        &[
            ("0 push 1", ""),
            ("5 push 2", ""),
            ("9 sweep", "[]"),
            ("10 poll 0", "[Expired]"),
            ("10 poll 0", "run [2]"),
        ],
    );
    check_with(policy, &[("0 push 1", ""), ("1 push 1", ""), ("10 sweep", "[Expired]")]);
}

#[test]
fn a_request_may_have_less_time_than_its_queue_and_more_only_where_that_is_allowed() {
    let policy = with_timeout(10, TimeoutAction::Reject);
    let asked = [("0 push by 1 5", ""), ("0 push by 1 20", ""), ("0 push 1", "")];
    let none_is_in_time = [("10 poll 0", "[Expired, Expired, Expired]")];
    check_with(policy.clone(), &[&asked[..], &none_is_in_time[..]].concat());
    let queue = QueuePolicy { is_timeout_overridable: true, ..policy.queues[0] };
    let one_is_in_time = [("19 poll 0", "[Expired, Expired]"), ("19 poll 0", "run [1]")];
    check_with(
        Batching { queues: vec![queue], ..policy },
        &[&asked[..], &one_is_in_time[..]].concat(),
    );
}

#[test]
fn who_has_waited_too_long_lets_others_pass() {
    let policy = with_timeout(10, TimeoutAction::Delay);
    check_with(
        policy.clone(),
        &[
            ("0 push 3", ""),
            ("1 push 2", ""),
            ("5 push 4", ""),
            ("11 poll 0", "run [4]"),
            ("11 push 4", ""), // Others pass again.
            ("11 poll 0", "run [4]"),
            ("12 done 0", ""),
            ("12 poll 0", "run [3]"),
            ("99 done 0", ""),
            ("99 poll 0", "run [2]"),
        ],
    );
    check_with(
        policy.clone(),
        &[("0 push 1", ""), ("9 push 2", ""), ("10 push 1", ""), ("10 poll 0", "run [2, 1, 1]")],
    );
    // They still take a place, may have a deadline, and may go away.
    check_with(
        policy,
        &[
            ("0 push by 1 20", ""),
            ("0 push 1", ""),
            ("0 push 4", ""),
            ("10 sweep", "[]"),
            ("10 push 1", "Full"),
            ("20 leave 1", ""),
            ("20 sweep", "[Expired, Cancelled]"),
            ("20 poll 0", "run [4]"),
        ],
    );
}

#[test]
fn company_is_not_worth_a_timeout() {
    let policy = with_timeout(4, TimeoutAction::Reject);
    let policy = Batching { delay_max: Duration::from_millis(5), ..policy };
    check_with(policy, &[("0 push 1", ""), ("0 poll 0", "until 2"), ("2 poll 0", "run [1]")]);
}

#[test]
fn who_is_late_stays_late() {
    check_with(
        with_timeout(10, TimeoutAction::Delay),
        &[
            ("0 push 1", ""),
            ("0 push by 1 12", ""),
            ("10 sweep", "[]"),
            ("12 poll 0", "[Expired]"),
            ("12 push 4", ""),
            ("12 poll 0", "run [4]"),
            ("12 poll 0", "run [1]"),
        ],
    );
}
