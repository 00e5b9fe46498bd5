//! One who asks: many requests at a time, each with what it wants of the engine and how long it waits.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use nereid::registry::Target;
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::parts::{Cancel, RequestedOutput};
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::tensor::Tensor;
use nereid_softcuda_harness::Random;

use crate::toy::{FAIL, ON_DEVICE, PANIC};
use crate::{CHANGING, MODELS, World};

/// Requests of one caller that are not answered.
const IN_FLIGHT_MAX: usize = 24;
/// Far more than any request takes: nobody hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Answered,
    /// With the reason that statistics have for it.
    Failed(&'static str),
    /// It came to no queue.
    NotThere,
}

/// How many requests of each model ended how.
pub(crate) type Tally = BTreeMap<(&'static str, Outcome), u64>;

/// A request that is not answered yet.
struct Asked {
    model: &'static str,
    x: Vec<i64>,
    has_deadline: bool,
    is_cancelled: bool,
    cancel: Cancel,
}

pub(crate) struct Caller {
    number: u64,
    random: Random,
    world: Arc<World>,
    asked: i64,
    in_flight: HashMap<i64, Asked>,
    home: Sender<(i64, Answer)>,
    answers: Receiver<(i64, Answer)>,
    tally: Tally,
}

impl Caller {
    pub(crate) fn new(number: u64, seed: u64, world: Arc<World>) -> Self {
        let (home, answers) = unbounded();
        let random = Random::new(seed ^ number << 32);
        let (in_flight, tally) = (HashMap::new(), Tally::new());
        Self { number, random, world, asked: 0, in_flight, home, answers, tally }
    }

    /// Asks until the time is up, then waits for all answers.
    pub(crate) fn run(mut self, until: Instant) -> Tally {
        while Instant::now() < until {
            if self.in_flight.len() < IN_FLIGHT_MAX {
                self.ask();
            } else {
                self.cancel_some();
                self.receive();
            }
        }
        while !self.in_flight.is_empty() {
            self.receive();
        }
        drop(self.home);
        assert!(self.answers.recv().is_err(), "somebody was answered twice");
        self.tally
    }

    fn ask(&mut self) {
        self.asked += 1;
        let id = self.asked;
        let (model, _) = MODELS[usize::try_from(self.random.below(4)).unwrap()];
        let rows = usize::try_from(1 + self.random.below(4)).unwrap();
        let deed = self.deed(model);
        let who = i64::try_from(self.number).unwrap() << 40 | id << 4;
        let x: Vec<i64> =
            (0..).map(|row| who | row).take(rows).flat_map(|row| [row, deed]).collect();
        let deadline = (self.random.below(10) == 0)
            .then(|| Instant::now() + Duration::from_micros(self.random.below(3000)));
        let target = Target { model: model.to_owned(), version: None };
        let found = match self.world.models.find(&target) {
            Ok(found) => found,
            Err(error) => {
                assert!(model == CHANGING && matches!(error, InferError::NoVersion(_)), "{error}");
                *self.tally.entry((model, Outcome::NotThere)).or_default() += 1;
                return;
            }
        };
        // Locked until the request is queued, so that places are those in the queue.
        let world = self.world.clone();
        let mut queued = (model == "ordered").then(|| world.queued.lock().unwrap());
        let place = queued.as_mut().map(|last| {
            **last += 1;
            **last
        });
        let mut request = self.request(id, &x, place);
        request.priority = self.random.below(4);
        request.deadline = deadline;
        let (is_cancelled, cancel) = (false, request.cancel.clone());
        let has_deadline = deadline.is_some();
        self.in_flight.insert(id, Asked { model, x, has_deadline, is_cancelled, cancel });
        // Who is refused gets the same error by its way home.
        let _refused = found.push(&target, request);
    }

    fn deed(&mut self, model: &str) -> i64 {
        match self.random.below(100) {
            0 => FAIL,
            1 if model == CHANGING && self.random.below(20) == 0 => PANIC,
            2..30 => ON_DEVICE,
            30..35 => 3000,
            _ => 20,
        }
    }

    /// A request whose answer comes to `self.answers`; one that has a place notes that, too.
    fn request(&self, id: i64, x: &[i64], place: Option<u64>) -> Request {
        let rows = x.len() / 2;
        let tensor = Tensor::from_values(vec![rows, 2], x.to_vec()).unwrap();
        let (home, world) = (self.home.clone(), self.world.clone());
        let next = move |answer: Answer, _: &_| {
            let has_run = matches!(answer, Ok(_) | Err(InferError::Backend(_)));
            if let Some(place) = place.filter(|_| has_run) {
                world.answered.lock().unwrap().push(place);
            }
            home.send((id, answer)).unwrap();
        };
        let rows = NonZeroUsize::new(rows).unwrap();
        let mut request =
            Request::new(vec![("x".into(), tensor)], rows, Home::Then(Box::new(next)));
        request.outputs = vec![RequestedOutput { name: "y".into(), place: Some(DeviceId::Cpu) }];
        request
    }

    fn cancel_some(&mut self) {
        if self.random.below(4) == 0
            && let Some(asked) = self.in_flight.get_mut(&(self.asked - 1))
        {
            asked.is_cancelled = true;
            asked.cancel.raise();
        }
    }

    fn receive(&mut self) {
        let (id, answer) = self.answers.recv_timeout(PATIENCE).unwrap();
        let asked = self.in_flight.remove(&id).unwrap(); // Not there: answered twice.
        let outcome = asked.outcome(&answer);
        *self.tally.entry((asked.model, outcome)).or_default() += 1;
    }
}

impl Asked {
    /// How it ended, which must be a way that is allowed.
    fn outcome(&self, answer: &Answer) -> Outcome {
        let error = match answer {
            Ok(response) => {
                let (_, y) = &response.outputs[0];
                let expected: Vec<_> = self.x.iter().map(|x| x + 1).collect();
                assert_eq!(y.values::<i64>().unwrap(), expected, "somebody else's answer");
                return Outcome::Answered;
            }
            Err(error) => error,
        };
        let (is_urgent, is_changing) =
            (["urgent", "reloaded"].contains(&self.model), self.model == CHANGING);
        let (may, reason) = match error {
            InferError::QueueFull(_) => (is_urgent, "REJECTED"),
            InferError::Expired(_) => (is_urgent || self.has_deadline, "REJECTED"),
            InferError::Closed(_) => (is_changing, "REJECTED"),
            InferError::Cancelled(_) => (self.is_cancelled, "CANCELED"),
            InferError::Backend(_) => (true, "BACKEND"),
            InferError::Abandoned => (is_changing, "BACKEND"),
            _ => (false, ""),
        };
        assert!(may, "{}: {error}", self.model);
        Outcome::Failed(reason)
    }
}
