use std::num::NonZeroUsize;
use std::time::Duration;

use shuttle::rand::Rng;
use shuttle::sync::mpsc::channel;
use shuttle::thread::{self, JoinHandle};

use super::*;
use crate::fakes;
use crate::park::checked::{ShuttlePark, parks};
use nereid_backend::error::InferError;
use nereid_backend::request::Home;
use nereid_model_repository::definition::{Batching, QueuePolicy, TimeoutAction};

/// Blocks until a batch is due for `who`, like an instance's thread.
fn next_batch<P: Park>(queue: &Queue<P>, who: InstanceId) -> Option<Batch> {
    let sleeper = queue.sleeper(who);
    loop {
        match queue.next(who) {
            Next::Run(batch) => return Some(batch),
            Next::WaitUntil(due) => sleeper.park().park(Some(due)),
            Next::Idle => sleeper.park().park(None),
            Next::Over => return None,
        }
    }
}

#[test]
fn a_closed_queue_gives_requests_back() {
    let queue = fakes::plain_queue();
    let (request, _client) = fakes::request(1);
    assert!(queue.push(request).is_ok());
    queue.close();
    let (request, _client) = fakes::request(1);
    assert!(matches!(queue.push(request), Err((_, Refusal::Closed))));
    assert_eq!(next_batch(&queue, InstanceId(0)).unwrap().requests().len(), 1);
    assert!(next_batch(&queue, InstanceId(0)).is_none());
}

#[test]
fn who_waits_for_company_runs_when_the_queue_closes() {
    let queue = fakes::queue(2, Duration::from_hours(1), vec![SystemPark::default()]);
    let asking = {
        let queue = queue.clone();
        std::thread::spawn(move || next_batch(&queue, InstanceId(0)).map(|batch| batch.rows()))
    };
    let (request, _client) = fakes::request(1);
    assert!(queue.push(request).is_ok());
    queue.close();
    assert_eq!(asking.join().unwrap(), Some(1));
    assert!(next_batch(&queue, InstanceId(0)).is_none());
}

#[test]
fn who_went_away_takes_no_place() {
    let queue = fakes::plain_queue();
    let push = || {
        let (request, client) = fakes::request(1);
        (client, queue.push(request).map_err(|(_, refusal)| refusal))
    };
    let (clients, results): (Vec<_>, Vec<_>) = (0..2).map(|_| push()).unzip();
    assert_eq!(results, [Ok(()), Ok(())]);
    drop(clients);
    let (_client, result) = push();
    assert_eq!(result, Ok(()));
}

#[test]
fn a_queue_without_instances_answers() {
    let queue = fakes::plain_queue();
    let (request, mut client) = fakes::request(1);
    assert!(queue.push(request).is_ok());
    queue.retire(InstanceId(0));
    assert!(matches!(client.try_recv(), Ok(Err(InferError::Closed(_)))));
}

/// Two instances, and a thread that ends their batches.
fn serve(queue: &Arc<Queue<ShuttlePark>>) -> [JoinHandle<()>; 3] {
    let (started, ended) = channel();
    let instance = |who| {
        let (queue, started) = (queue.clone(), started.clone());
        thread::spawn(move || {
            while let Some(batch) = next_batch(&queue, who) {
                started.send((who, batch)).unwrap();
            }
        })
    };
    let [first, second] = [0, 1].map(InstanceId).map(instance);
    let queue = queue.clone();
    let reaper = thread::spawn(move || {
        for (who, batch) in ended {
            queue.done(who);
            batch.respond_rows(Ok(Vec::new()));
        }
    });
    [first, second, reaper]
}

/// A client that waits, goes away, or finds the queue full.
fn ask(queue: &Queue<ShuttlePark>, rows: usize) {
    let (mut request, mut client) = fakes::request(rows);
    request.priority = shuttle::rand::thread_rng().gen_range(0..=2);
    match queue.push(request) {
        Err((_, refusal)) => assert_eq!(refusal, Refusal::Full),
        Ok(()) if shuttle::rand::thread_rng().r#gen() => {
            while client.try_recv().is_err() {
                thread::yield_now();
            }
        }
        Ok(()) => drop(client),
    }
}

/// Shuttle reports a deadlock if anybody sleeps for ever.
fn nobody_sleeps_for_ever(batching: Batching) {
    let queue = fakes::queue_of(batching, parks(2));
    let threads = serve(&queue);
    for rows in [1, 2, 1, 2, 2, 2] {
        ask(&queue, rows);
    }
    queue.close();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[track_caller]
fn check(batching: &Batching) {
    let batching = batching.clone();
    shuttle::check_random(move || nobody_sleeps_for_ever(batching.clone()), 2_000);
}

#[test]
fn nobody_sleeps_for_ever_in_any_order() {
    check(&fakes::batching(2, Duration::ZERO));
    check(&fakes::batching(2, Duration::from_millis(5)));
}

#[test]
fn nobody_sleeps_for_ever_where_time_runs_out() {
    for timeout_action in [TimeoutAction::Reject, TimeoutAction::Delay] {
        let batching = fakes::batching(2, Duration::from_millis(5));
        let timeout = Some(Duration::from_millis(4));
        let queue = QueuePolicy { timeout, timeout_action, ..batching.queues[0] };
        check(&Batching { queues: vec![queue], ..batching });
    }
}

#[test]
fn nobody_sleeps_for_ever_whatever_the_priorities() {
    let batching = fakes::batching(3, Duration::from_millis(5));
    let timeout = Some(Duration::from_millis(4));
    let delay = QueuePolicy { timeout, timeout_action: TimeoutAction::Delay, ..batching.queues[0] };
    let queues = vec![batching.queues[0], delay];
    check(&Batching { queues, preferred: vec![2], ..batching });
}

/// Two instances that answer their batches themselves, or drop them.
fn answers_leave_in_order(batching: Batching) {
    let queue = fakes::queue_of(batching, parks(2));
    let instances = [0, 1].map(InstanceId).map(|who| {
        let queue = queue.clone();
        thread::spawn(move || {
            while let Some(batch) = next_batch(&queue, who) {
                thread::yield_now();
                if shuttle::rand::thread_rng().r#gen() {
                    batch.respond_rows(Ok(Vec::new()));
                }
                queue.done(who);
            }
        })
    });
    let left = Arc::<Mutex<Vec<usize>>>::default();
    for name in 0..6 {
        let leaves = left.clone();
        let home = Home::Then(Box::new(move |_, _| {
            thread::yield_now(); // Another may answer while this one is on its way.
            leaves.lock().unwrap().push(name);
        }));
        assert!(queue.push(Request::new(Vec::new(), NonZeroUsize::MIN, home)).is_ok());
    }
    queue.close();
    for instance in instances {
        instance.join().unwrap();
    }
    assert_eq!(*left.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn answers_leave_in_order_whoever_is_done_first() {
    let batching = fakes::batching(2, Duration::ZERO);
    let queues = vec![QueuePolicy { requests_max: 6, ..batching.queues[0] }];
    let batching = Batching { queues, preserves_order: true, ..batching };
    shuttle::check_random(move || answers_leave_in_order(batching.clone()), 2_000);
}
