use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_backend::backend::Completion;
use nereid_backend::device::DeviceId;
use nereid_kernels::reaper::Reaper;

use super::*;
use crate::fakes::{self, Made, Scripted};
use crate::instance::start_instance;

/// A model that does with each batch of its warm-up what `run` says. Its samples are `a`, of a
/// batch of 3 requests that is run twice, and `b`, of one request.
fn warmed(run: impl Fn(Batch) + Clone + Send + Sync + 'static) -> Warmed {
    let samples = [("a", 3, 2), ("b", 1, 1)].map(|(name, requests, runs)| Sample {
        name: name.to_owned(),
        requests,
        runs,
        inputs: Vec::new(),
    });
    let definition = Definition { warmup: samples.into(), ..fakes::definition("m") };
    let model = Made(move || Box::new(Scripted(run.clone())) as Box<dyn Instance>);
    Warmed::new(Arc::new(model), &definition, fakes::edge())
}

fn spawn(model: &Warmed) -> Result<(), String> {
    model.spawn(fakes::instance_spec()).map(drop).map_err(|error| error.to_string())
}

fn answer(batch: Batch) {
    batch.respond_rows(Ok(vec![("y".into(), fakes::numbers(&[3, 2]))]));
}

#[test]
fn each_instance_runs_every_sample() {
    let rows: Arc<Mutex<Vec<usize>>> = Arc::default();
    let noted = rows.clone();
    let model = warmed(move |batch| {
        noted.lock().unwrap().push(batch.rows());
        assert!(batch.requests().iter().all(|request| *request.outputs[0].name == *"y"));
        answer(batch);
    });
    for instances in 1..=2 {
        assert_eq!(spawn(&model), Ok(()));
        assert_eq!(*rows.lock().unwrap(), [3, 3, 1].repeat(instances));
    }
}

#[tokio::test]
async fn an_instance_that_is_made_anew_is_warmed_up_again() {
    let rows: Arc<Mutex<Vec<usize>>> = Arc::default();
    let noted = rows.clone();
    // The first client's batch comes after three of the warm-up.
    let model = warmed(move |batch| {
        let mut noted = noted.lock().unwrap();
        noted.push(batch.rows());
        if noted.len() == 4 {
            drop(noted);
            std::panic::resume_unwind(Box::new("bad model"));
        }
        answer(batch);
    });
    let queue = fakes::plain_queue();
    let (spec, reaper) = (fakes::instance_spec(), Reaper::start(DeviceId::Cpu).unwrap());
    let starting = start_instance(queue.clone(), Arc::new(model), spec, reaper).unwrap();
    let thread = starting.wait().unwrap();
    for is_answered in [false, true] {
        let (request, client) = fakes::request(1);
        assert!(queue.push(request).is_ok());
        assert_eq!(client.await.unwrap().is_ok(), is_answered);
    }
    queue.close();
    thread.join().unwrap();
    assert_eq!(*rows.lock().unwrap(), [3, 3, 1, 1].repeat(2));
}

#[test]
fn a_failure_names_its_sample() {
    let count = Arc::new(AtomicUsize::new(0));
    let third = move |run: fn(Batch)| {
        let count = count.clone();
        move |batch| match count.fetch_add(1, Ordering::Relaxed) % 3 {
            2 => run(batch),
            _ => answer(batch),
        }
    };
    let check = |run: fn(Batch), expected: &str| {
        let expected = format!("failed to run warmup sample 'b': {expected}");
        assert_eq!(spawn(&warmed(third(run))), Err(expected));
    };
    check(|batch| batch.fail(&InferError::Backend("no memory".into())), "no memory");
    check(drop, &InferError::Abandoned.to_string());
    check(
        |_| std::panic::resume_unwind(Box::new("bad model")),
        "the engine panicked; the log has the reason",
    );
}

/// Ends when it is asked.
struct Ended(Result<(), InferError>);

impl Completion for Ended {
    fn poll(&self) -> Option<Result<(), InferError>> {
        Some(self.0.clone())
    }
}

struct Gpu(Result<(), InferError>);

impl Instance for Gpu {
    fn start(&mut self, batch: Batch) -> Running {
        let finish = |ended: Result<(), InferError>| match ended {
            Ok(()) => answer(batch),
            Err(error) => batch.fail(&error),
        };
        Running::OnDevice { after: Box::new(Ended(self.0.clone())), finish: Box::new(finish) }
    }
}

#[test]
fn a_device_is_waited_for() {
    let on_gpu = |ended: Result<(), InferError>| {
        let model = Made(move || Box::new(Gpu(ended.clone())) as Box<dyn Instance>);
        Warmed { model: Arc::new(model), ..warmed(answer) }
    };
    assert_eq!(spawn(&on_gpu(Ok(()))), Ok(()));
    let lost = on_gpu(Err(InferError::Backend("the device is lost".into())));
    assert_eq!(spawn(&lost), Err("failed to run warmup sample 'a': the device is lost".to_owned()));
}
