mod conditions;
mod devices;
mod nine;
mod several;

use std::future::{Future as _, poll_fn};
use std::num::NonZeroUsize;
use std::task::Poll;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::Kind;
use nereid_backend::observer::Copy;
use nereid_backend::parts::Parameter;
use nereid_backend::spec::{ModelSpec, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_model_repository::definition::{Definition, Ensembling, Scheduling};
use nereid_proto::infer::Input;
use tokio::sync::oneshot;

use super::*;
use crate::admission::Ask;
use crate::ensemble::Ensemble;
use crate::fakes;
use crate::inference;
use crate::instance::Started;
use crate::registry::{Models, Registry, Served, Status, Target};
use crate::statistics::{Reason, Snapshot, Statistics};

/// A net for tests that fail; none that passes waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Models that are served for one test.
struct World {
    registry: Registry,
    models: Models,
    threads: Vec<Started>,
    /// Of the ensemble.
    requests_max: usize,
    edge: Arc<Edge>,
}

impl World {
    fn new() -> Self {
        let (registry, models) = Registry::new();
        Self { registry, models, threads: Vec::new(), requests_max: 8, edge: fakes::edge() }
    }

    /// Serves a model from `x` to `y`, both `[-1]` and the batch axis.
    fn model(&mut self, name: &str, run: impl Fn(Batch) + Clone + Send + Sync + 'static) {
        self.serve(fakes::spec(name, vec![any("x")], vec![any("y")]), run);
    }

    fn serve(&mut self, spec: ModelSpec, run: impl Fn(Batch) + Clone + Send + Sync + 'static) {
        let name = spec.name.clone();
        let (served, thread) = fakes::serve(spec, run);
        self.registry.set(&name, 1, Status::Ready(served));
        self.threads.push(thread);
    }

    /// Serves the ensemble `e` from `IN` to `OUT`, both `[-1]` and the batch axis.
    fn ensemble(&mut self, steps: &[&str]) {
        self.ensemble_of(fakes::spec("e", vec![any("IN")], vec![any("OUT")]), steps);
    }

    fn ensemble_of(&mut self, spec: ModelSpec, steps: &[&str]) {
        let steps: Vec<_> = steps.iter().map(|text| fakes::step(text)).collect();
        let find = |target: &Target| {
            self.registry.catalog().ready(target).ok().map(|served| &*served.definition.spec)
        };
        let graph = Graph::new(&spec, &steps, find).unwrap();
        let name = spec.name.clone();
        let statistics = Arc::new(Statistics::default());
        let (count, edge) = (self.requests_max, self.edge.clone());
        let route = Arc::new(Ensemble::new(graph, count, statistics.clone(), edge));
        let scheduling =
            Scheduling::Ensemble(Ensembling { steps: Vec::new(), requests_max: self.requests_max });
        let definition = Definition { spec: Arc::new(spec), scheduling, ..fakes::definition("e") };
        let served = Served { definition, route, statistics, model: None };
        self.registry.set(&name, 1, Status::Ready(Arc::new(served)));
    }

    fn served(&self, name: &str) -> Arc<Served> {
        self.registry.catalog().ready(&target(name)).unwrap().clone()
    }

    fn statistics(&self, name: &str) -> Snapshot {
        self.served(name).statistics.snapshot()
    }

    /// Sends a request to `name` as it is served now.
    fn push(&self, name: &str, request: Request) {
        assert!(self.served(name).route.push(request, &self.models.snapshot()).is_ok());
    }

    /// What the ensemble `e` makes of `IN`, or its error.
    fn ask(&self, input: &Tensor) -> Result<Tensor, String> {
        let (request, client) = request(&[("IN", input)], &["OUT"]);
        self.push("e", request);
        match client.blocking_recv().unwrap() {
            Ok(mut response) => Ok(response.outputs.remove(0).1),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Lets every instance finish what it has.
    fn end(self) -> Done {
        let snapshot = self.models.snapshot();
        for served in snapshot.served() {
            served.route.close();
        }
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        Done(snapshot)
    }
}

/// A world whose instances have ended, so that its numbers are final.
struct Done(crate::registry::Snapshot);

impl Done {
    fn of(&self, name: &str) -> Snapshot {
        self.0.ready(&target(name)).unwrap().statistics.snapshot()
    }
}

fn target(model: &str) -> Target {
    Target { model: model.to_owned(), version: None }
}

fn any(name: &str) -> TensorSpec {
    fakes::tensor(name, &[-1])
}

/// A request called `7` for the first row of `inputs`, and its client.
fn request(inputs: &[(&str, &Tensor)], outputs: &[&str]) -> (Request, oneshot::Receiver<Answer>) {
    let (home, client) = oneshot::channel();
    let named = |(name, tensor): &(&str, &Tensor)| (Arc::from(*name), Tensor::clone(tensor));
    let inputs = inputs.iter().map(named).collect();
    let mut request = Request::new(inputs, NonZeroUsize::MIN, Home::Once(home));
    request.id = "7".into();
    let wanted =
        |name: &&str| RequestedOutput { name: Arc::from(*name), place: Some(DeviceId::Cpu) };
    request.outputs = outputs.iter().map(wanted).collect();
    (request, client)
}

fn values(tensor: &Tensor) -> &[i32] {
    tensor.values().unwrap()
}

/// The first request's input.
fn input(batch: &Batch, name: &str) -> Tensor {
    batch.gather(name).unwrap().unwrap()
}

fn respond(batch: Batch, name: &str, shape: &[usize], values: Vec<i32>) {
    let tensor = Tensor::from_values(shape.to_vec(), values).unwrap();
    batch.respond_rows(Ok(vec![(name.into(), tensor)]));
}

/// Adds a number to `x`.
fn plus(number: i32) -> impl Fn(Batch) + Clone + Send + Sync + 'static {
    move |batch| {
        let x = input(&batch, "x");
        respond(batch, "y", x.shape(), values(&x).iter().map(|x| x + number).collect());
    }
}

/// Answers `x` as `y`, the same memory, and tells where that is.
fn echo(seen: Sender<usize>) -> impl Fn(Batch) + Clone + Send + Sync + 'static {
    move |batch| {
        let x = input(&batch, "x");
        seen.send(place(&x)).unwrap();
        batch.respond_rows(Ok(vec![("y".into(), x)]));
    }
}

fn place(tensor: &Tensor) -> usize {
    tensor.host().unwrap().as_ptr().addr()
}

/// Adds `a` and `b` to `c`.
fn sum_of(world: &mut World) {
    let spec = fakes::spec("sum", vec![any("a"), any("b")], vec![any("c")]);
    world.serve(spec, |batch| {
        let (a, b) = (input(&batch, "a"), input(&batch, "b"));
        let sums = values(&a).iter().zip(values(&b)).map(|(a, b)| a + b).collect();
        respond(batch, "c", a.shape(), sums);
    });
}

/// A model that tells when it has a batch, and goes on when it is told.
fn gated(
    run: impl Fn(Batch) + Clone + Send + Sync + 'static,
) -> (impl Fn(Batch) + Clone + Send + Sync + 'static, Receiver<Cancel>, Sender<()>) {
    let (started, starts) = unbounded();
    let (gate, opened) = unbounded();
    let run = move |batch: Batch| {
        started.send(batch.requests()[0].cancel.clone()).unwrap();
        opened.recv_timeout(PATIENCE).unwrap();
        run(batch);
    };
    (run, starts, gate)
}

fn failing(batch: Batch) {
    batch.fail(&InferError::Invalid("a bad picture".to_owned()));
}

#[test]
fn a_chain_hands_its_tensors_on() {
    let mut world = World::new();
    world.model("f", plus(1));
    world.model("g", plus(10));
    world.ensemble(&["g x=MID y=OUT", "f x=IN y=MID"]);
    let answer = world.ask(&fakes::numbers(&[1, 3])).unwrap();
    assert_eq!((answer.shape(), values(&answer)), (&[1, 3][..], &[11, 12, 13][..]));
    let done = world.end();
    for name in ["e", "f", "g"] {
        let done = done.of(name);
        assert_eq!((done.success.count, done.failure.count, done.executions), (1, 0, 1), "{name}");
    }
    check_sums(&done, "e", &["f", "g"]);
}

/// An ensemble's stages are the sums of its steps', of a request and of an execution alike.
#[track_caller]
fn check_sums(done: &Done, ensemble: &str, steps: &[&str]) {
    let stages = |name: &str| {
        let now = done.of(name);
        let batch = now.batches[&1];
        let request = [now.compute_input, now.compute_infer, now.compute_output];
        assert_eq!(request, [batch.compute_input, batch.compute_infer, batch.compute_output]);
        request.map(|total| total.ns)
    };
    let sums = steps
        .iter()
        .map(|name| stages(name))
        .fold([0; 3], |sums, step| std::array::from_fn(|stage| sums[stage] + step[stage]));
    assert_eq!(stages(ensemble), sums);
    assert!(sums[0] > 0, "{sums:?}");
}

#[test]
fn steps_know_what_the_client_said() {
    let mut world = World::new();
    let (said, heard) = unbounded();
    world.model("f", move |batch| {
        let first = &batch.requests()[0];
        let outputs: Vec<_> = first.outputs.iter().map(|output| output.name.clone()).collect();
        said.send((first.id.clone(), first.parameters.clone(), first.deadline, outputs)).unwrap();
        plus(1)(batch);
    });
    world.ensemble(&["f x=IN y=OUT"]);
    let (mut request, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    let deadline = Instant::now().checked_add(PATIENCE);
    let parameters = Parameters::from([("p".to_owned(), Parameter::Int(5))]);
    (request.parameters, request.deadline) = (parameters.clone(), deadline);
    world.push("e", request);
    assert!(client.blocking_recv().unwrap().is_ok());
    let expected = ("7".into(), parameters, deadline, vec!["y".into()]);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(expected));
    world.end();
}

/// Each of the two in the middle answers only after it has met the other; each tells when it began
/// and when it had met it.
#[test]
fn steps_without_mutual_dependency_run_at_the_same_time() {
    let mut world = World::new();
    let (meet, met) = bounded(0);
    let (tell_left, spans) = unbounded();
    let tell_right = tell_left.clone();
    world.model("top", plus(1));
    world.model("left", move |batch| {
        let begun = Instant::now();
        meet.send_timeout((), PATIENCE).unwrap();
        tell_left.send((begun, Instant::now())).unwrap();
        plus(10)(batch);
    });
    world.model("right", move |batch| {
        let begun = Instant::now();
        met.recv_timeout(PATIENCE).unwrap();
        tell_right.send((begun, Instant::now())).unwrap();
        plus(100)(batch);
    });
    sum_of(&mut world);
    world.ensemble(&["top x=IN y=T", "left x=T y=L", "right x=T y=R", "sum a=L b=R c=OUT"]);
    let answer = world.ask(&fakes::numbers(&[1, 2])).unwrap();
    assert_eq!(values(&answer), [112, 114]);
    let [one, other] = [0, 1].map(|_| spans.try_recv().unwrap());
    assert!(one.0 <= other.1 && other.0 <= one.1, "{one:?} and {other:?}");
    world.end();
}

#[test]
fn only_what_is_wanted_runs_and_in_the_order_in_which_it_is_wanted() {
    let mut world = World::new();
    world.model("f", plus(1));
    world.model("g", plus(10));
    let spec = fakes::spec("e", vec![any("IN")], vec![any("OUT"), any("OTHER")]);
    world.ensemble_of(spec, &["f x=IN y=OUT", "g x=IN y=OTHER"]);
    let ask = |outputs: &[&str]| {
        let (request, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], outputs);
        world.push("e", request);
        let outputs = client.blocking_recv().unwrap().unwrap().outputs;
        let outputs = outputs.iter().map(|(name, tensor)| format!("{name} {:?}", values(tensor)));
        outputs.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(ask(&["OTHER"]), "OTHER [10]");
    assert_eq!(world.statistics("f").success.count, 0);
    assert_eq!(ask(&["OTHER", "OUT"]), "OTHER [10], OUT [1]");
    assert_eq!(ask(&["OUT", "OUT"]), "OUT [1], OUT [1]");
    let done = world.end();
    assert_eq!((done.of("f").success.count, done.of("g").success.count), (2, 2));
}

#[test]
fn the_first_error_is_the_answer_and_tells_the_others_to_stop() {
    let mut world = World::new();
    let (left, left_started, fail) = gated(failing);
    let (right, right_started, go_on) = gated(plus(1));
    world.model("left", left);
    world.model("right", right);
    sum_of(&mut world);
    world.ensemble(&["left x=IN y=L", "right x=IN y=R", "sum a=L b=R c=OUT"]);
    let (request, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    world.push("e", request);
    left_started.recv_timeout(PATIENCE).unwrap();
    let cancel = right_started.recv_timeout(PATIENCE).unwrap();
    assert!(!cancel.is_raised());
    fail.send(()).unwrap();
    let error = client.blocking_recv().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "in ensemble 'e', step 0 ('left'): a bad picture");
    assert_eq!(error.kind(), Kind::InvalidArg);
    assert!(cancel.is_raised());
    go_on.send(()).unwrap();
    let done = world.end();
    assert_eq!((done.of("e").failure.count, done.of("e").success.count), (1, 0));
    assert_eq!((done.of("sum").failure.count, done.of("sum").success.count), (0, 0));
}

#[test]
fn whatever_happens_to_a_step_is_the_ensembles_error() {
    #[track_caller]
    fn check(run: impl Fn(Batch) + Clone + Send + Sync + 'static, expected: &InferError) {
        let mut world = World::new();
        world.model("f", plus(1));
        world.model("g", run);
        world.ensemble(&["f x=IN y=MID", "g x=MID y=OUT"]);
        let error = world.ask(&fakes::numbers(&[1, 1])).unwrap_err();
        assert_eq!(error, format!("in ensemble 'e', step 1 ('g'): {expected}"));
        let done = world.end();
        assert_eq!((done.of("e").failure.count, done.of("g").failure.count), (1, 1));
    }
    check(failing, &InferError::Invalid("a bad picture".to_owned()));
    check(drop, &InferError::Abandoned);
    check(|_| std::panic::resume_unwind(Box::new("bad model")), &InferError::Abandoned);
    let missing = "the engine made no output 'y' for this request";
    check(|batch| batch.respond_rows(Ok(Vec::new())), &InferError::Backend(missing.into()));
}

#[test]
fn a_step_that_is_not_ready_is_told() {
    let mut world = World::new();
    world.model("f", plus(1));
    world.model("g", plus(1));
    world.ensemble(&["f x=IN y=MID", "g x=MID y=OUT"]);
    let (closing, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    let (before, ensemble) = (world.models.snapshot(), world.served("e"));
    world.registry.set("g", 1, Status::Unloading);
    let error = world.ask(&fakes::numbers(&[1, 1])).unwrap_err();
    let text =
        "in ensemble 'e', step 1 ('g'): Request for unknown model: 'g' has no available versions";
    assert_eq!(error, text);
    // A request that came before still finds the model; its queue is closed, and has no successor.
    assert!(ensemble.route.push(closing, &before).is_ok());
    let error = client.blocking_recv().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "in ensemble 'e', step 1 ('g'): model 'g' is not taking requests"
    );
    assert_eq!(error.kind(), Kind::Unavailable);
    world.end();
}

#[test]
fn a_full_queue_of_a_step_is_told() {
    let mut world = World::new();
    let (run, started, gate) = gated(plus(1));
    world.model("f", run);
    world.ensemble(&["f x=IN y=OUT"]);
    let direct = || request(&[("x", &fakes::numbers(&[1, 1]))], &["y"]);
    let (running, first) = direct();
    world.push("f", running);
    started.recv_timeout(PATIENCE).unwrap();
    let mut clients = vec![first];
    for _ in 0..2 {
        let (waiting, client) = direct();
        world.push("f", waiting);
        clients.push(client);
    }
    let (request, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    world.push("e", request);
    let error = client.blocking_recv().unwrap().unwrap_err();
    let text = "in ensemble 'e', step 0 ('f'): [request id: 7] Exceeds maximum queue size";
    assert_eq!((error.to_string().as_str(), error.kind()), (text, Kind::Unavailable));
    (0..3).for_each(|_| gate.send(()).unwrap());
    assert!(clients.into_iter().all(|client| client.blocking_recv().unwrap().is_ok()));
    world.end();
}

#[test]
fn a_deadline_holds_for_every_step() {
    let mut world = World::new();
    world.model("f", plus(1));
    world.ensemble(&["f x=IN y=OUT"]);
    let (mut request, client) = request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    request.deadline = Some(Instant::now());
    world.push("e", request);
    let error = client.blocking_recv().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "in ensemble 'e', step 0 ('f'): [request id: 7] Request timeout expired"
    );
    assert_eq!(world.end().of("f").executions, 0);
}

#[test]
fn a_shape_that_does_not_fit_the_next_step_is_told() {
    let mut world = World::new();
    world.model("f", plus(1));
    let wide = fakes::spec("wide", vec![fakes::tensor("x", &[3])], vec![any("y")]);
    world.serve(wide, plus(1));
    world.ensemble(&["f x=IN y=MID", "wide x=MID y=OUT"]);
    assert!(world.ask(&fakes::numbers(&[1, 3])).is_ok());
    let error = world.ask(&fakes::numbers(&[1, 2])).unwrap_err();
    let text = "in ensemble 'e', step 1 ('wide'): [request id: 7] unexpected shape for input 'x' for model 'wide'. \
                Expected [-1,3], got [1,2].";
    assert!(error.starts_with(text), "{error}");
    assert_eq!(world.end().of("wide").executions, 1);
}

#[test]
fn tensors_are_handed_on_without_a_copy() {
    let mut world = World::new();
    let (seen, places) = unbounded();
    for name in ["f", "left", "right"] {
        world.model(name, echo(seen.clone()));
    }
    let spec = fakes::spec("e", vec![any("IN")], vec![any("OUT"), any("OTHER"), any("IN")]);
    world.ensemble_of(spec, &["f x=IN y=MID", "left x=MID y=OUT", "right x=MID y=OTHER"]);
    let sent = fakes::numbers(&[1, 1000]);
    let (request, client) = request(&[("IN", &sent)], &["OUT", "OTHER", "IN"]);
    world.push("e", request);
    let outputs = client.blocking_recv().unwrap().unwrap().outputs;
    let places = places.try_iter().chain(outputs.iter().map(|(_, tensor)| place(tensor)));
    assert_eq!(places.collect::<Vec<_>>(), [place(&sent); 6]);
    for name in ["e", "f", "left", "right"] {
        let served = world.served(name);
        let copied = Copy::ALL.map(|copy| served.statistics.copies().get(copy));
        assert_eq!(copied, [0; Copy::ALL.len()], "{name}");
    }
    world.end();
}

/// A model from `x`, and `b` if it comes, to `y`: their sum.
fn with_optional(world: &mut World) {
    with_optional_called(world, "f");
}

fn with_optional_called(world: &mut World, name: &str) {
    let b = TensorSpec { is_optional: true, ..any("b") };
    world.serve(fakes::spec(name, vec![any("x"), b], vec![any("y")]), |batch| {
        let (x, b) = (input(&batch, "x"), batch.gather("b").unwrap());
        let b = b.map_or(vec![0; x.elements()], |b| values(&b).to_vec());
        let sums = values(&x).iter().zip(b).map(|(x, b)| x + b).collect();
        respond(batch, "y", x.shape(), sums);
    });
}

#[test]
fn an_optional_input_need_not_be_mapped() {
    let mut world = World::new();
    with_optional(&mut world);
    world.ensemble(&["f x=IN y=OUT"]);
    assert_eq!(values(&world.ask(&fakes::numbers(&[1, 2])).unwrap()), [0, 1]);
    world.end();
}

#[test]
fn an_optional_input_of_the_ensemble_need_not_be_sent() {
    let mut world = World::new();
    with_optional(&mut world);
    sum_of(&mut world);
    let maybe = TensorSpec { is_optional: true, ..any("MAYBE") };
    let spec = fakes::spec("e", vec![any("IN"), maybe], vec![any("OUT"), any("SUM")]);
    world.ensemble_of(spec, &["f x=IN b=MAYBE y=OUT", "sum a=IN b=MAYBE c=SUM"]);
    let numbers = fakes::numbers(&[1, 2]);
    let ask = |inputs: &[(&str, &Tensor)], output| {
        let (request, client) = request(inputs, &[output]);
        world.push("e", request);
        match client.blocking_recv().unwrap() {
            Ok(response) => format!("{:?}", values(&response.outputs[0].1)),
            Err(error) => error.to_string(),
        }
    };
    let both = [("IN", &numbers), ("MAYBE", &numbers)];
    assert_eq!(ask(&both[..1], "OUT"), "[0, 1]");
    assert_eq!(ask(&both, "OUT"), "[0, 2]");
    assert_eq!(ask(&both, "SUM"), "[0, 2]");
    let text = "in ensemble 'e', step 1 ('sum'): [request id: 7] expected 2 inputs but got 1 inputs for model \
                'sum'. Got input(s) ['a'], but missing required input(s) ['b']. Please provide \
                all required input(s).";
    assert_eq!(ask(&both[..1], "SUM"), text);
    world.end();
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_step_that_waits() {
    let mut world = World::new();
    let (run, started, gate) = gated(plus(1));
    world.model("f", run);
    world.ensemble(&["f x=IN y=OUT"]);
    let x = fakes::numbers(&[1, 1]);
    let (running, other) = request(&[("x", &x)], &["y"]);
    world.push("f", running);
    started.recv_timeout(PATIENCE).unwrap();
    let data = x.host_bytes().unwrap();
    let input = Input::new("IN".to_owned(), x.data_type(), x.shape(), data);
    let ask = Ask { inputs: vec![input], ..Ask::default() };
    let target = target("e");
    let found = world.models.find(&target).unwrap();
    let regions = fakes::regions();
    let mut leaving = Box::pin(inference::infer(&regions, &target, found, ask));
    assert!(poll_fn(|context| Poll::Ready(leaving.as_mut().poll(context).is_pending())).await);
    assert_eq!(world.served("f").route.waiting(), 1);
    drop(leaving);
    gate.send(()).unwrap();
    assert!(other.await.unwrap().is_ok());
    let done = world.end();
    let cancelled = Reason::ALL.map(|reason| u64::from(reason == Reason::Canceled));
    assert_eq!((done.of("f").failures, done.of("f").executions), (cancelled, 1));
    assert_eq!((done.of("e").failure.count, done.of("e").success.count), (1, 0));
}

#[test]
fn ensembles_may_be_steps() {
    let mut world = World::new();
    world.model("f", plus(1));
    world.model("bad", failing);
    let inner = |name| fakes::spec(name, vec![any("x")], vec![any("y")]);
    world.ensemble_of(inner("inner"), &["f x=x y=MID", "f x=MID y=y"]);
    world.ensemble_of(inner("broken"), &["f x=x y=MID", "bad x=MID y=y"]);
    world.ensemble(&["inner x=IN y=MID", "f x=MID y=OUT"]);
    assert_eq!(values(&world.ask(&fakes::numbers(&[1, 2])).unwrap()), [3, 4]);
    world.ensemble(&["inner x=IN y=MID", "broken x=MID y=OUT"]);
    let error = world.ask(&fakes::numbers(&[1, 2])).unwrap_err();
    assert_eq!(
        error,
        "in ensemble 'e', step 1 ('broken'): in ensemble 'broken', step 1 ('bad'): a bad picture"
    );
    let done = world.end();
    assert_eq!((done.of("inner").success.count, done.of("broken").failure.count), (2, 1));
    assert_eq!(done.of("f").success.count, 6);
}

#[test]
fn an_ensemble_of_ensembles_has_spent_what_its_models_have() {
    let mut world = World::new();
    for name in ["f", "g", "h"] {
        world.model(name, plus(1));
    }
    let inner = fakes::spec("inner", vec![any("x")], vec![any("y")]);
    world.ensemble_of(inner, &["f x=x y=MID", "g x=MID y=y"]);
    world.ensemble(&["inner x=IN y=MID", "h x=MID y=OUT"]);
    assert_eq!(values(&world.ask(&fakes::numbers(&[1, 1])).unwrap()), [3]);
    let done = world.end();
    check_sums(&done, "inner", &["f", "g"]);
    check_sums(&done, "e", &["f", "g", "h"]);
}

#[test]
fn an_ensemble_has_a_limited_number_of_requests_at_once() {
    let mut world = World::new();
    world.requests_max = 1;
    let (run, started, gate) = gated(plus(1));
    world.model("f", run);
    world.ensemble(&["f x=IN y=OUT"]);
    let ask = || request(&[("IN", &fakes::numbers(&[1, 1]))], &["OUT"]);
    let (first, client) = ask();
    world.push("e", first);
    started.recv_timeout(PATIENCE).unwrap();
    let served = world.served("e");
    let refused = served.route.push(ask().0, &world.models.snapshot()).unwrap_err();
    assert_eq!(refused.1, crate::scheduler::Refusal::Full);
    gate.send(()).unwrap();
    assert!(client.blocking_recv().unwrap().is_ok());
    // Who has the answer may ask again at once.
    let (second, client) = ask();
    world.push("e", second);
    gate.send(()).unwrap();
    assert!(client.blocking_recv().unwrap().is_ok());
    world.end();
}
