use std::num::NonZeroUsize;

use nereid_backend::request::{Answer, Home};
use nereid_model_repository::definition::{QueuePolicy, TimeoutAction};
use tokio::sync::oneshot;

use super::*;
use crate::fakes;
use crate::statistics::Statistics;

/// A batcher for 2 instances, and whoever waits for their answers.
struct Script {
    batcher: DynamicBatcher,
    start: Instant,
    clients: Vec<Option<oneshot::Receiver<Answer>>>,
    batches: Vec<Option<Batch>>,
}

impl Script {
    fn new(policy: Batching) -> Self {
        let batcher = DynamicBatcher::new(policy, 2, Arc::new(Statistics::default()));
        Self { batcher, start: Instant::now(), clients: Vec::new(), batches: Vec::new() }
    }

    /// Plays one line, such as "3 poll 0": at 3 ms, instance 0 asks.
    fn play(&mut self, line: &str) -> String {
        let (verb, numbers): (Vec<_>, Vec<_>) =
            line.split(' ').partition(|word| word.parse::<usize>().is_err());
        let numbers: Vec<usize> = numbers.iter().map(|word| word.parse().unwrap()).collect();
        let start = self.start;
        let at = |ms: usize| start + Duration::from_millis(ms as u64);
        let now = at(numbers[0]);
        match (verb.join(" ").as_str(), &numbers[1..]) {
            ("push", &[rows]) => {
                let request = self.request(rows, None);
                self.push(request, now)
            }
            ("push by", &[rows, ms]) => {
                let mut request = self.request(rows, None);
                request.deadline = Some(at(ms));
                self.push(request, now)
            }
            ("push at", &[rows, level]) => {
                let mut request = self.request(rows, None);
                request.priority = level as u64;
                self.push(request, now)
            }
            ("push x" | "push r", &[rows, width]) => {
                let request = self.request(rows, Some((verb[1], width)));
                self.push(request, now)
            }
            ("leave", &[client]) => {
                self.clients[client] = None;
                String::new()
            }
            ("answer", &[batch]) => {
                self.batches[batch].take().unwrap().respond_rows(Ok(Vec::new()));
                self.answered()
            }
            ("poll", &[who]) => self.poll(InstanceId(who), now),
            ("done", &[who]) => show(self.batcher.done(InstanceId(who), now)),
            ("retire", &[who]) => show(self.batcher.retire(InstanceId(who), now)),
            ("sweep", &[]) => names(&self.batcher.sweep(now)),
            _ => panic!("no such line: {line}"),
        }
    }

    /// A request of these rows, and of one input.
    fn request(&mut self, rows: usize, input: Option<(&str, usize)>) -> Request {
        let (home, client) = oneshot::channel();
        self.clients.push(Some(client));
        let inputs = input.map(|(name, width)| (name.into(), fakes::numbers(&[rows, width])));
        let inputs = inputs.into_iter().collect();
        Request::new(inputs, NonZeroUsize::new(rows).unwrap(), Home::Once(home))
    }

    fn push(&mut self, request: Request, now: Instant) -> String {
        match self.batcher.push(request, now) {
            Ok(wake) => show(wake),
            Err((_, refusal)) => format!("{refusal:?}"),
        }
    }

    /// The clients whose answers have come since the last time.
    fn answered(&mut self) -> String {
        let clients = self.clients.iter_mut().enumerate();
        let answered = clients.filter_map(|(name, client)| {
            client.take_if(|client| client.try_recv().is_ok()).map(|_| name)
        });
        format!("{:?}", answered.collect::<Vec<_>>())
    }

    fn poll(&mut self, who: InstanceId, now: Instant) -> String {
        match self.batcher.poll(who, now) {
            Decision::Idle => "idle".to_owned(),
            Decision::WaitUntil(due) => format!("until {}", (due - self.start).as_millis()),
            Decision::Refuse(refused) => names(&refused),
            Decision::Run(batch, wake) => {
                let rows: Vec<_> = batch.requests().iter().map(Request::rows).collect();
                self.batches.push(Some(batch));
                format!("run {rows:?} {}", show(wake)).trim_end().to_owned()
            }
        }
    }
}

fn show(wake: Wake) -> String {
    match wake {
        Wake::Nobody => String::new(),
        Wake::One(who) => format!("wake {}", who.0),
    }
}

fn names(refused: &[Refused]) -> String {
    format!("{:?}", refused.iter().map(|(_, refusal)| refusal).collect::<Vec<_>>())
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    check_with(policy(), table);
}

/// Up to 4 rows after up to 5 ms, and 3 requests that wait; `r` is ragged.
fn policy() -> Batching {
    let queue = QueuePolicy { requests_max: 3, ..QueuePolicy::default() };
    let delay_max = Duration::from_millis(5);
    Batching {
        rows_max: 4,
        delay_max,
        queues: vec![queue],
        ragged: vec!["r".into()],
        ..Batching::default()
    }
}

fn without_delay() -> Batching {
    Batching { delay_max: Duration::ZERO, ..policy() }
}

#[track_caller]
fn check_with(policy: Batching, table: &[(&str, &str)]) {
    let mut script = Script::new(policy);
    for (number, (line, expected)) in table.iter().enumerate() {
        assert_eq!(&script.play(line), expected, "line {number}: {line}");
    }
}

#[test]
fn a_batch_leaves_when_it_is_old_or_full() {
    check(&[("0 poll 0", "idle"), ("0 push 1", "wake 0"), ("1 poll 0", "until 5")]);
    check(&[("0 push 1", ""), ("4 poll 0", "until 5"), ("5 poll 0", "run [1]")]);
    check(&[("0 push 2", ""), ("1 push 2", ""), ("1 poll 0", "run [2, 2]")]);
    check(&[("0 push 3", ""), ("1 push 2", ""), ("1 poll 0", "run [3]"), ("1 poll 0", "until 6")]);
}

#[test]
fn only_what_changes_a_decision_wakes() {
    check(&[
        ("0 poll 0", "idle"),
        ("0 poll 1", "idle"),
        ("0 push 1", "wake 0"),
        ("0 push 1", ""), // 0 is on its way.
        ("0 poll 0", "until 5"),
        ("1 push 1", ""), // 0 is on watch, and still in time.
        ("1 poll 0", "until 5"),
        ("2 poll 1", "idle"),
        ("5 poll 0", "run [1, 1, 1]"),
    ]);
    check(&[
        ("0 push 3", ""),
        ("0 poll 0", "until 5"),
        ("0 poll 1", "idle"),
        ("1 push 3", "wake 0"), // Full: due now, not at 5.
        ("1 poll 0", "run [3] wake 1"),
        ("1 poll 1", "until 6"),
    ]);
}

#[test]
fn two_batches_of_an_instance_are_in_flight() {
    check(&[
        ("0 push 4", ""),
        ("0 push 4", ""),
        ("0 push 4", ""),
        ("0 poll 0", "run [4]"),
        ("0 poll 0", "run [4]"),
        ("0 poll 0", "idle"),
        ("1 push 1", ""), // 0 may not run it, and 1 did not ask yet.
        ("2 done 0", "wake 0"),
        ("2 poll 0", "run [4]"),
        ("3 done 0", ""), // 0 starts a batch, and asks again by itself.
        ("3 poll 0", "until 6"),
    ]);
}

#[test]
fn the_dead_do_not_run() {
    check(&[("0 push by 1 3", ""), ("3 poll 0", "[Expired]"), ("3 poll 0", "idle")]);
    check(&[
        ("0 push 1", ""),
        ("0 push by 1 2", ""),
        ("0 push 1", ""),
        ("1 push 1", "Full"),
        ("1 sweep", "[]"),
        ("2 leave 0", ""),
        ("2 sweep", "[]"), // It was searched a moment ago.
        ("11 sweep", "[Cancelled, Expired]"),
        ("12 push 1", ""),
        ("12 poll 0", "run [1, 1]"),
    ]);
}

#[test]
fn without_a_delay_all_that_waits_runs_at_once() {
    check_with(
        without_delay(),
        &[
            ("0 push 1", ""),
            ("0 push 2", ""),
            ("0 push 2", ""),
            ("0 poll 0", "run [1, 2]"),
            ("0 poll 0", "run [2]"),
        ],
    );
}

#[test]
fn a_request_larger_than_a_batch_runs_alone() {
    check_with(without_delay(), &[("0 push 6", ""), ("0 push 1", ""), ("0 poll 0", "run [6]")]);
}

#[test]
fn only_requests_of_one_shape_run_together() {
    check(&[
        ("0 push x 1 2", ""),
        ("0 push x 1 2", ""),
        ("0 poll 0", "until 5"),
        ("1 push x 1 3", "wake 0"), // Nothing can join the first two any more.
        ("1 poll 0", "run [1, 1]"),
        ("1 poll 0", "until 6"),
    ]);
    check(&[("0 push x 1 2", ""), ("0 push r 1 2", ""), ("0 poll 0", "run [1]")]);
    check(&[("0 push r 1 2", ""), ("0 push r 1 3", ""), ("5 poll 0", "run [1, 1]")]);
}

#[test]
fn who_is_in_a_hurry_leaves_early() {
    check(&[
        ("0 push 1", ""),
        ("0 poll 0", "until 5"),
        ("1 push by 1 3", "wake 0"), // Half of its 2 ms are for waiting.
        ("1 poll 0", "until 2"),
        ("2 poll 0", "run [1, 1]"),
    ]);
}

#[test]
fn who_retires_hands_its_watch_over() {
    check(&[
        ("0 poll 1", "idle"),
        ("0 poll 0", "idle"),
        ("0 push 1", "wake 0"),
        ("0 poll 0", "until 5"),
        ("1 retire 0", "wake 1"),
        ("1 poll 1", "until 5"),
    ]);
}

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
fn who_comes_before_a_misfit_may_fit() {
    let policy = Batching { delay_max: Duration::from_millis(5), ..with_levels() };
    check_with(
        policy.clone(),
        &[
            ("0 push at 2 1", ""),
            ("0 push at 3 3", ""),
            ("0 push at 2 2", ""),
            ("0 poll 0", "run [2, 2]"),
            ("0 poll 0", "until 5"),
        ],
    );
    // It is behind its own level, and before all below.
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
fn a_batch_that_is_done_early_is_held_if_order_is_preserved() {
    let run = [
        ("0 push 2", ""),
        ("0 push by 2 9", ""),
        ("0 push 3", ""),
        ("0 poll 0", "run [2, 2]"),
        ("0 poll 1", "run [3]"),
    ];
    let early = [("1 answer 1", "[2]"), ("1 answer 0", "[0, 1]")];
    check_with(without_delay(), &[&run[..], &early[..]].concat());
    let policy = Batching { preserves_order: true, ..without_delay() };
    // Who goes away meanwhile, or has no more time, holds nobody up.
    let held = [("9 answer 1", "[]"), ("9 leave 0", ""), ("9 answer 0", "[1, 2]")];
    check_with(policy.clone(), &[&run[..], &held[..]].concat());
    // Who never ran is told at once.
    check_with(
        policy,
        &[
            ("0 push 4", ""),
            ("0 push by 4 5", ""),
            ("0 push 4", ""),
            ("0 poll 0", "run [4]"),
            ("5 poll 1", "[Expired]"),
            ("5 poll 1", "run [4]"),
            ("6 answer 1", "[1]"), // What was refused has left without waiting.
            ("7 answer 0", "[0, 2]"),
        ],
    );
}
