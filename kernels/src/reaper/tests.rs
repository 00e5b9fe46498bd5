use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Default)]
struct Event(Arc<AtomicBool>);

impl Event {
    fn happen(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Completion for Event {
    fn poll(&self) -> Option<Result<(), InferError>> {
        self.0.load(Ordering::Acquire).then_some(Ok(()))
    }
}

/// Panics when asked, and once more when dropped.
struct BrokenEvent;

impl Completion for BrokenEvent {
    fn poll(&self) -> Option<Result<(), InferError>> {
        panic!("this panic must not end the reaper");
    }
}

impl Drop for BrokenEvent {
    fn drop(&mut self) {
        panic!("nor may this one");
    }
}

/// Tells the name of the thread that does it.
fn report(to: &Sender<String>, what: &str) {
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    to.send(format!("{what} on {thread}")).unwrap();
}

#[test]
fn the_first_to_end_is_the_first_to_finish() {
    let reaper = Reaper::start(DeviceId::Cuda(0)).unwrap();
    let (told, heard) = unbounded();
    let events = ["slow", "bad", "quick"].map(|name| {
        let (event, told) = (Event::default(), told.clone());
        let finish = Box::new(move |_| {
            report(&told, name);
            assert_ne!(name, "bad", "this panic must not end the reaper");
        });
        reaper.watch(Box::new(event.clone()), finish);
        event
    });
    for (index, name) in [(2, "quick"), (1, "bad"), (0, "slow")] {
        events[index].happen();
        let heard = heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(heard, format!("{name} on reaper-cuda:0"));
    }
}

#[test]
fn a_completion_that_panics_fails_its_batch_alone() {
    let reaper = Reaper::start(DeviceId::Cuda(1)).unwrap();
    let (told, heard) = unbounded();
    let watch = |completion: Box<dyn Completion>| {
        let told = told.clone();
        let finish = move |ended: Result<(), InferError>| {
            report(&told, ended.map_or("failed", |()| "done"));
        };
        reaper.watch(completion, Box::new(finish));
    };
    watch(Box::new(BrokenEvent));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "failed on reaper-cuda:1");
    let event = Event::default();
    event.happen();
    watch(Box::new(event));
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "done on reaper-cuda:1");
}

#[test]
fn what_is_in_flight_finishes_after_the_last_handle_is_gone() {
    let reaper = Reaper::start(DeviceId::Cuda(0)).unwrap();
    let (told, heard) = unbounded();
    let event = Event::default();
    reaper.watch(Box::new(event.clone()), Box::new(move |_| report(&told, "done")));
    drop(reaper);
    event.happen();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "done on reaper-cuda:0");
}

struct Memory {
    reaper: Reaper,
    told: Sender<String>,
}

impl Drop for Memory {
    fn drop(&mut self) {
        let told = self.told.clone();
        self.reaper.free(Box::new(move || report(&told, "free")));
    }
}

#[test]
fn memory_is_freed_on_the_reapers_thread() {
    let (told, heard) = unbounded();
    drop(Memory { reaper: Reaper::start(DeviceId::Cuda(0)).unwrap(), told });
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "free on reaper-cuda:0");
}
