use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use nereid_backend::backend::{Completion, MemoryUsage};
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_kernels::reaper::Reaper;

use super::*;
use crate::fakes::{self, Made};
use crate::park::SystemPark;

mod devices;

const PATIENCE: Duration = Duration::from_secs(5);

fn start(queue: &Arc<Queue>, model: Arc<dyn Model>) -> Started {
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    start_instance(queue.clone(), model, fakes::instance_spec(), reaper).unwrap().wait().unwrap()
}

/// Works like a GPU: starting is quick, and the batch ends when the test says so.
struct Gpu(Sender<Arc<AtomicBool>>);

struct Event(Arc<AtomicBool>);

impl Completion for Event {
    fn poll(&self) -> Option<Result<(), InferError>> {
        self.0.load(Ordering::Acquire).then_some(Ok(()))
    }
}

impl Instance for Gpu {
    fn start(&mut self, batch: Batch) -> Running {
        let event = Arc::new(AtomicBool::new(false));
        self.0.send(event.clone()).unwrap();
        let finish = |ended: Result<(), InferError>| {
            batch.respond_rows(ended.map(|()| Vec::new()));
        };
        Running::OnDevice { after: Box::new(Event(event)), finish: Box::new(finish) }
    }
}

#[tokio::test]
async fn two_batches_overlap_and_a_third_waits() {
    let queue = fakes::plain_queue();
    let (started, events): (_, Receiver<Arc<AtomicBool>>) = unbounded();
    let model = Made(move || Box::new(Gpu(started.clone())) as Box<dyn Instance>);
    let thread = start(&queue, Arc::new(model));
    let mut clients = Vec::new();
    let mut push = || {
        let (request, client) = fakes::request(1);
        assert!(queue.push(request).is_ok());
        clients.push(client);
    };
    push();
    let first = events.recv_timeout(PATIENCE).unwrap();
    push();
    let second = events.recv_timeout(PATIENCE).unwrap();
    push();
    assert!(events.is_empty(), "at most two are in flight");
    first.store(true, Ordering::Release);
    let third = events.recv_timeout(PATIENCE).unwrap();
    second.store(true, Ordering::Release);
    third.store(true, Ordering::Release);
    for client in clients {
        assert!(client.await.unwrap().is_ok());
    }
    queue.close();
    thread.join().unwrap();
}

/// Panics at the first batches that all its like see, then echoes.
struct Crash {
    left: Arc<std::sync::atomic::AtomicUsize>,
}

impl Instance for Crash {
    fn start(&mut self, batch: Batch) -> Running {
        let one_less = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            std::panic::resume_unwind(Box::new("bad model"));
        }
        fakes::Echo.start(batch)
    }
}

/// A model that panics so many times.
fn crashing(times: usize) -> Arc<dyn Model> {
    let left = Arc::new(std::sync::atomic::AtomicUsize::new(times));
    Arc::new(Made(move || Box::new(Crash { left: left.clone() }) as Box<dyn Instance>))
}

async fn ask(queue: &Queue) -> Result<(), String> {
    let (request, client) = fakes::request(1);
    if let Err((request, refusal)) = queue.push(request) {
        return Err(refusal.into_error(queue.model(), &request).to_string());
    }
    client.await.unwrap().map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_panic_fails_only_its_own_batch() {
    let queue = fakes::plain_queue();
    let thread = start(&queue, crashing(1));
    assert_eq!(ask(&queue).await, Err(InferError::Abandoned.to_string()));
    assert_eq!(ask(&queue).await, Ok(()));
    queue.close();
    thread.join().unwrap();
}

/// A model that makes one instance, which panics, and panics when it should make another.
struct OnlyOnce(AtomicBool);

impl Model for OnlyOnce {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        assert!(!self.0.swap(true, Ordering::Relaxed), "no second instance");
        crashing(usize::MAX).spawn(spec)
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}

/// What becomes of an instance that is made so, and its queue with it.
fn start_and_close(make: impl Fn() -> Box<dyn Instance> + Send + Sync + 'static) -> Option<String> {
    let queue = fakes::plain_queue();
    let model = Arc::new(Made(make));
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    let starting = start_instance(queue.clone(), model, fakes::instance_spec(), reaper).unwrap();
    let started = starting.wait().map_err(|error| error.to_string());
    queue.close();
    started.map(|thread| thread.join().unwrap()).err()
}

#[test]
fn who_waits_is_told_how_it_started() {
    assert_eq!(start_and_close(|| Box::new(fakes::Echo)), None);
    let panicked = start_and_close(|| std::panic::resume_unwind(Box::new("bad engine")));
    assert_eq!(panicked.as_deref(), Some("making it panicked; the log has the reason"));
}

#[tokio::test]
async fn instances_are_made_at_the_same_time() {
    let parks = vec![SystemPark::default(), SystemPark::default()];
    let queue = fakes::queue(1, Duration::ZERO, parks);
    // Nobody is made before both have begun.
    let (begun, news) = (Mutex::new(0), Condvar::new());
    let model: Arc<dyn Model> = Arc::new(Made(move || {
        let mut count = begun.lock().unwrap();
        *count += 1;
        news.notify_all();
        let waited = news.wait_timeout_while(count, PATIENCE, |count| *count < 2).unwrap();
        assert!(!waited.1.timed_out(), "one after the other");
        Box::new(fakes::Echo) as Box<dyn Instance>
    }));
    let starting = [0, 1].map(|id| {
        let spec = InstanceSpec { id: InstanceId(id), ..fakes::instance_spec() };
        let reaper = Reaper::start(DeviceId::Cpu).unwrap();
        start_instance(queue.clone(), model.clone(), spec, reaper).unwrap()
    });
    let threads = starting.map(|starting| starting.wait().unwrap());
    assert_eq!(ask(&queue).await, Ok(()));
    queue.close();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_panic_while_restarting_leaves_nobody_waiting() {
    let queue = fakes::plain_queue();
    let thread = start(&queue, Arc::new(OnlyOnce(AtomicBool::new(false))));
    assert_eq!(ask(&queue).await, Err(InferError::Abandoned.to_string()));
    assert_eq!(thread.join(), Err(EndedByPanic));
    assert_eq!(ask(&queue).await, Err("model 'm' is not taking requests".to_owned()));
}

#[tokio::test]
async fn an_instance_that_panics_too_often_is_given_up() {
    let queue = fakes::plain_queue();
    let thread = start(&queue, crashing(usize::MAX));
    for _ in 0..=RESTARTS_MAX {
        assert_eq!(ask(&queue).await, Err(InferError::Abandoned.to_string()));
    }
    thread.join().unwrap();
    assert_eq!(ask(&queue).await, Err("model 'm' is not taking requests".to_owned()));
}
