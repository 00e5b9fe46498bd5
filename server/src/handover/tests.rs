use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use nereid_backend::backend::Instance;
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::request::{Home, Request};
use nereid_kernels::reaper::Reaper;

use super::*;
use crate::fakes::{self, Made, Scripted};
use crate::instance::{Started, instance_thread, start_instance};
use crate::park::SystemPark;
use crate::park::checked::{ShuttlePark, parks};

const PATIENCE: Duration = Duration::from_secs(5);

/// A request whose answer does this, as an ensemble's does.
fn request(then: impl FnOnce() + Send + 'static) -> Request {
    Request::new(Vec::new(), NonZeroUsize::MIN, Home::Then(Box::new(move |_, _| then())))
}

/// A request whose answer is told.
fn push<P: Park>(queue: &Queue<P>, told: &Sender<()>) {
    let told = told.clone();
    assert!(queue.push(request(move || told.send(()).unwrap())).is_ok());
}

/// A request to `first`, whose answer causes one to `second`, whose answer is told.
fn push_chain<P: Park>(first: &Queue<P>, second: &Arc<Queue<P>>, told: &Sender<()>) {
    let (second, told) = (second.clone(), told.clone());
    assert!(first.push(request(move || push(&second, &told))).is_ok());
}

/// Lets all threads come to where they rest.
fn rest<P: Park>(queues: &[Arc<Queue<P>>], yield_now: fn()) {
    for queue in queues {
        while queue.sleeper(InstanceId(0)).serving().is_none() {
            yield_now();
        }
    }
}

/// Two models of one instance each, one request a batch.
struct Pair {
    queues: [Arc<Queue>; 2],
    started: [Started; 2],
    told: Sender<()>,
    ends: Receiver<()>,
}

impl Pair {
    /// `run` is called for each batch, with 0 or 1 for whose it is.
    fn new(run: impl Fn(usize) + Clone + Send + Sync + 'static) -> Self {
        let queues = [0, 1].map(|_| fakes::plain_queue());
        let reaper = Reaper::start(DeviceId::Cpu).unwrap();
        let started = [0, 1].map(|model: usize| {
            let run = run.clone();
            let script = move |batch: Batch| {
                run(model);
                batch.respond_rows(Ok(Vec::new()));
            };
            let made = Made(move || Box::new(Scripted(script.clone())) as Box<dyn Instance>);
            let (queue, spec) = (queues[model].clone(), fakes::instance_spec());
            start_instance(queue, Arc::new(made), spec, reaper.clone()).unwrap().wait().unwrap()
        });
        let (told, ends) = unbounded();
        Self { queues, started, told, ends }
    }

    fn push_chain(&self) {
        push_chain(&self.queues[0], &self.queues[1], &self.told);
    }

    fn end(self) {
        for queue in &self.queues {
            queue.close();
        }
        for started in self.started {
            started.join().unwrap();
        }
    }
}

#[test]
fn the_next_step_runs_on_the_same_thread() {
    let (say, threads): (Sender<ThreadId>, _) = unbounded();
    let pair = Pair::new(move |_| say.send(thread::current().id()).unwrap());
    for _ in 0..3 {
        rest(&pair.queues, thread::yield_now);
        pair.push_chain();
        pair.ends.recv_timeout(PATIENCE).unwrap();
        assert_eq!(threads.recv().unwrap(), threads.recv().unwrap());
    }
    pair.end();
}

#[test]
fn who_has_more_to_do_wakes_the_other() {
    let (open, gate) = bounded(1);
    let (ran, runs) = unbounded();
    let batches = Arc::new(AtomicUsize::new(0));
    let pair = Pair::new(move |model| match model {
        0 if batches.fetch_add(1, Ordering::Relaxed) == 0 => gate.recv_timeout(PATIENCE).unwrap(),
        // The second batch of the first step needs the second step of the first batch.
        0 => runs.recv_timeout(PATIENCE).unwrap(),
        _ => ran.send(()).unwrap(),
    });
    rest(&pair.queues, thread::yield_now);
    pair.push_chain();
    pair.push_chain();
    open.send(()).unwrap();
    for _ in 0..2 {
        pair.ends.recv_timeout(PATIENCE).unwrap();
    }
    pair.end();
}

#[test]
fn the_first_step_is_not_left_alone() {
    let (open, gate) = bounded(1);
    let (begin, begun) = unbounded();
    let batches = Arc::new(AtomicUsize::new(0));
    let pair = Pair::new(move |model| {
        if model == 1 {
            begin.send(()).unwrap();
            gate.recv_timeout(PATIENCE).unwrap();
        } else if batches.fetch_add(1, Ordering::Relaxed) == 1 {
            // For both runs of the second step.
            for _ in 0..2 {
                open.send_timeout((), PATIENCE).unwrap();
            }
        }
    });
    rest(&pair.queues, thread::yield_now);
    pair.push_chain();
    begun.recv_timeout(PATIENCE).unwrap();
    pair.push_chain();
    for _ in 0..2 {
        pair.ends.recv_timeout(PATIENCE).unwrap();
    }
    pair.end();
}

/// A client whose chains go through two models, and one that asks the first alone.
fn nobody_is_forgotten(reaper: &Reaper) {
    let mut parks = parks(2);
    let queues = [1, 0].map(|at| fakes::queue(1, Duration::ZERO, parks.split_off(at)));
    let (threads, starting): (Vec<_>, Vec<_>) = queues
        .iter()
        .map(|queue| {
            let (spec, model) = (fakes::instance_spec(), fakes::answering());
            let (work, starting) =
                instance_thread(queue.clone(), model, spec, reaper.clone().into());
            (shuttle::thread::spawn(work), starting)
        })
        .unzip();
    rest(&queues, shuttle::thread::yield_now);
    let ask = |push: fn(&[Arc<Queue<ShuttlePark>>; 2], &Sender<()>)| {
        let queues = queues.clone();
        shuttle::thread::spawn(move || {
            let (told, ends) = unbounded();
            for _ in 0..3 {
                push(&queues, &told);
                while ends.try_recv().is_err() {
                    shuttle::thread::yield_now();
                }
            }
        })
    };
    let chain = ask(|[first, second], told| push_chain(first, second, told));
    let alone = ask(|[first, _], told| push(first, told));
    for client in [chain, alone] {
        client.join().unwrap();
    }
    for queue in &queues {
        queue.close();
    }
    // Any thread may have ended any instance.
    for thread in threads {
        thread.join().unwrap();
    }
    for starting in starting {
        starting.wait().unwrap().join().unwrap();
    }
}

#[test]
fn nobody_is_forgotten_in_any_order() {
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    shuttle::check_random(move || nobody_is_forgotten(&reaper), 2_000);
}

type Work = Box<dyn FnOnce() + Send>;

/// Does something when it is to be woken, first.
#[derive(Default)]
struct Interrupted {
    park: SystemPark,
    first: Mutex<Option<Work>>,
}

impl Park for Interrupted {
    fn now(&self) -> Instant {
        self.park.now()
    }

    fn park(&self, until: Option<Instant>) {
        self.park.park(until);
    }

    fn unpark(&self) {
        let first = self.first.lock().unwrap().take();
        if let Some(first) = first {
            first();
        }
        self.park.unpark();
    }

    fn take_wake(&self) -> bool {
        self.park.take_wake()
    }

    fn owed<T>(with: impl FnOnce(&mut Owed<Self>) -> T) -> T {
        with(&mut Owed::Never)
    }
}

/// An instance that this thread would serve is exchanged for another while a request comes for it;
/// `push` is given both. The request must be served by the other's thread.
fn exchange_while(push: fn(&Arc<Queue<Interrupted>>, Work, &Sender<()>)) {
    let queues = [0, 1].map(|_| fakes::queue(1, Duration::ZERO, vec![Interrupted::default()]));
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    let started = queues.each_ref().map(|queue| {
        let (spec, model) = (fakes::instance_spec(), fakes::answering());
        start_instance(queue.clone(), model, spec, reaper.clone()).unwrap().wait().unwrap()
    });
    rest(&queues, thread::yield_now);
    let [first, second] = &queues;
    // This thread takes the place of the first's.
    let place = first.sleeper(InstanceId(0));
    let idle = place.serving().take().unwrap();
    let mine = Arc::new(Sleeper::new(Interrupted::default()));
    idle.seat(mine.clone());
    let exchange = {
        let (second, mine, place) = (second.clone(), mine.clone(), place.clone());
        Box::new(move || {
            let called = Alarm { queue: second.clone(), who: InstanceId(0) }.answer(idle, &mine);
            assert!(called.is(&second, InstanceId(0)));
            called.seat(place.clone());
            *place.serving() = Some(called);
        })
    };
    let (told, ends) = unbounded();
    push(first, exchange, &told);
    ends.recv_timeout(PATIENCE).expect("the request is forgotten");
    for queue in &queues {
        queue.close();
    }
    for started in started {
        started.join().unwrap();
    }
}

#[test]
fn who_calls_before_an_exchange_is_heard() {
    exchange_while(|first, exchange, told| {
        push(first, told);
        exchange();
    });
}

#[test]
fn who_calls_during_an_exchange_is_heard() {
    exchange_while(|first, exchange, told| {
        *first.sleeper(InstanceId(0)).park().first.lock().unwrap() = Some(exchange);
        push(first, told);
    });
}
