//! What several tests need: a request, a model, a queue, instances that do as they are told.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::parts::{RequestedOutput, Times};
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{
    Dim, EngineOptions, InstanceId, InstanceSpec, ModelSpec, RawSpec, Signature, TensorSpec,
};
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::{Absence, Devices};
use nereid_kernels::reaper::Reaper;
use nereid_model_repository::definition::{Batching, Definition, QueuePolicy, Scheduling, Step};
use nereid_model_repository::labels::Labels;
use nereid_proto::inference::ModelConfig;
use tokio::sync::{oneshot, watch};

use crate::budget::Budget;
use crate::dynamic_batcher::DynamicBatcher;
use crate::edge::Edge;
use crate::instance::{Started, start_instance};
use crate::park::{Park, SystemPark};
use crate::places::Places;
use crate::queue::Queue;
use crate::regions::Regions;
use crate::registry::{Models, Served};
use crate::server::{Life, Server};
use crate::statistics::Statistics;

/// A server of these models that serves, and admits a mebibyte in a request and in flight.
pub(crate) fn server(models: Models) -> Server {
    Server {
        name: "nereid".to_owned(),
        models,
        control: None,
        budget: Budget::new(1 << 20),
        places: Places::new(8),
        input_bytes_max: 1 << 20,
        life: watch::channel(Life::Serving).1,
        is_strict: false,
        devices: Devices::absent(Absence::NoLibrary),
        regions: regions(),
    }
}

/// Of no devices.
pub(crate) fn edge() -> Arc<Edge> {
    Edge::new(Devices::absent(Absence::NoLibrary)).unwrap()
}

/// None.
pub(crate) fn regions() -> Arc<Regions> {
    Regions::new(edge(), true)
}

/// A request without inputs.
pub(crate) fn request(rows: usize) -> (Request, oneshot::Receiver<Answer>) {
    let (home, client) = oneshot::channel();
    let rows = NonZeroUsize::new(rows).unwrap();
    (Request::new(Vec::new(), rows, Home::Once(home)), client)
}

/// A batch of a request for `y` for each of `inputs`, which is called `x` and is one row.
pub(crate) fn batch(inputs: &[Tensor]) -> (Batch, Vec<oneshot::Receiver<Answer>>) {
    let (requests, clients): (Vec<_>, Vec<_>) = inputs
        .iter()
        .map(|input| {
            let (mut request, client) = request(1);
            request.inputs = vec![("x".into(), input.clone())];
            request.outputs =
                vec![RequestedOutput { name: "y".into(), place: Some(DeviceId::Cpu) }];
            (request, client)
        })
        .unzip();
    let mut requests = requests.into_iter();
    let observer = Arc::new(Statistics::default());
    let mut batch = Batch::new(requests.next().unwrap(), Instant::now(), observer);
    requests.for_each(|request| batch.push(request));
    (batch, clients)
}

/// Of a request of which each stage takes a microsecond more than the one before: 10 µs in all.
pub(crate) fn times() -> Times {
    let start = Instant::now();
    let at = |us| Some(start + Duration::from_micros(us));
    Times {
        queued: at(0),
        started: at(1),
        inputs_ready: at(3),
        computed: at(6),
        outputs_ready: at(10),
        steps: None,
    }
}

/// An INT32 tensor of this shape that counts from 0.
pub(crate) fn numbers(shape: &[usize]) -> Tensor {
    let count = i32::try_from(shape.iter().product::<usize>()).unwrap();
    Tensor::from_values(shape.to_vec(), (0..count).collect()).unwrap()
}

/// A spec of one tensor of INT32; -1 is any size.
pub(crate) fn tensor(name: &str, dims: &[i64]) -> TensorSpec {
    let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
    TensorSpec::new(name, DataType::Int32, dims)
}

/// A model in batches of up to 4 rows.
pub(crate) fn spec(name: &str, inputs: Vec<TensorSpec>, outputs: Vec<TensorSpec>) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature { inputs, outputs, ..Signature::default() },
        is_batched: true,
        rows_max: 4,
        parameters: BTreeMap::new(),
        engine: EngineOptions::default(),
        instances: vec![instance_spec()],
    }
}

/// The first instance, on the CPU.
pub(crate) fn instance_spec() -> InstanceSpec {
    InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu }
}

/// A model with the input `x` and the output `y`, both `[-1, 2]` and the batch axis.
pub(crate) fn definition(name: &str) -> Definition {
    Definition {
        config: ModelConfig { name: name.to_owned(), ..ModelConfig::default() },
        spec: Arc::new(spec(name, vec![tensor("x", &[-1, 2])], vec![tensor("y", &[-1, 2])])),
        scheduling: Scheduling::Queue { backend: "echo", batching: batching(4, Duration::ZERO) },
        labels: Labels::default(),
        warmup: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Batches of up to `rows_max` rows, and 2 requests that wait.
pub(crate) fn batching(rows_max: usize, delay_max: Duration) -> Batching {
    let queue = QueuePolicy { requests_max: 2, ..QueuePolicy::default() };
    Batching { rows_max, delay_max, queues: vec![queue], ..Batching::default() }
}

/// A queue that batches up to `rows_max` rows and holds 2 requests, for as many instances as there
/// are `parks`.
pub(crate) fn queue<P: Park>(rows_max: usize, delay_max: Duration, parks: Vec<P>) -> Arc<Queue<P>> {
    queue_of(batching(rows_max, delay_max), parks)
}

/// A queue that batches so, for as many instances as there are `parks`.
pub(crate) fn queue_of<P: Park>(batching: Batching, parks: Vec<P>) -> Arc<Queue<P>> {
    let statistics = Arc::new(Statistics::default());
    let batcher = DynamicBatcher::new(batching, parks.len(), statistics.clone());
    Queue::new("m".into(), statistics, Box::new(batcher), parks)
}

/// A queue without batching, for one instance.
pub(crate) fn plain_queue() -> Arc<Queue> {
    queue(1, Duration::ZERO, vec![SystemPark::default()])
}

/// Answers every request with its inputs: `x` comes back as `y`.
pub(crate) struct Echo;

impl Instance for Echo {
    fn start(&mut self, batch: Batch) -> Running {
        let x = batch.gather("x");
        batch.respond_rows(x.map(|x| x.map(|x| ("y".into(), x)).into_iter().collect()));
        Running::Done
    }
}

/// Makes instances by a function.
pub(crate) struct Made<F>(pub(crate) F);

impl<F: Fn() -> Box<dyn Instance> + Send + Sync> Model for Made<F> {
    fn spawn(&self, _: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        Ok((self.0)())
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        vec![MemoryUsage { device: DeviceId::Cpu, size_bytes: 7 }]
    }
}

/// A model whose instances echo.
pub(crate) fn echo() -> Arc<dyn Model> {
    Arc::new(Made(|| Box::new(Echo) as Box<dyn Instance>))
}

/// A model whose instances answer with no outputs.
pub(crate) fn answering() -> Arc<dyn Model> {
    let answer = |batch: Batch| batch.respond_rows(Ok(Vec::new()));
    Arc::new(Made(move || Box::new(Scripted(answer)) as Box<dyn Instance>))
}

/// Does with every batch what a function says.
pub(crate) struct Scripted<F>(pub(crate) F);

impl<F: Fn(Batch) + Send> Instance for Scripted<F> {
    fn start(&mut self, batch: Batch) -> Running {
        (self.0)(batch);
        Running::Done
    }
}

/// A model that runs in a thread of its own: `run` answers its batches, each of one request.
pub(crate) fn serve(
    spec: ModelSpec,
    run: impl Fn(Batch) + Clone + Send + Sync + 'static,
) -> (Arc<Served>, Started) {
    let statistics = Arc::new(Statistics::default());
    let batching = batching(1, Duration::ZERO);
    let batcher = DynamicBatcher::new(batching, 1, statistics.clone());
    let parks = vec![SystemPark::default()];
    let queue = Queue::new(spec.name.clone(), statistics.clone(), Box::new(batcher), parks);
    let model = Made(move || Box::new(Scripted(run.clone())) as Box<dyn Instance>);
    let model: Arc<dyn Model> = Arc::new(model);
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    let thread = start_instance(queue.clone(), model.clone(), instance_spec(), reaper);
    let thread = thread.unwrap().wait().unwrap();
    let definition = Definition { spec: Arc::new(spec), ..definition("m") };
    (
        Arc::new(Served {
            definition,
            route: queue,
            statistics,
            model: Some(Arc::downgrade(&model)),
        }),
        thread,
    )
}

/// The engine `fake`, whose models have `x` and `y` of two elements, and load as this says.
pub(crate) struct Engine<F>(pub(crate) F);

impl<F> Backend for Engine<F>
where
    F: Fn() -> Result<Arc<dyn Model>, LoadError> + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        "fake"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        0
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        Vec::new()
    }

    fn inspect(&self, _: &RawSpec) -> Result<Signature, LoadError> {
        let tensors = |name| vec![tensor(name, &[2])];
        Ok(Signature { inputs: tensors("x"), outputs: tensors("y"), ..Signature::default() })
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        self.0()
    }
}

/// A step such as `f x=IN y=MID`, or `f ?=IF x=IN y=MID` if it is run on a condition: inputs begin with x, a or b.
pub(crate) fn step(text: &str) -> Step {
    let mut words = text.split(' ');
    let model = words.next().unwrap().to_owned();
    let named: Vec<_> = words.map(|word| word.split_once('=').unwrap()).collect();
    let condition = named.iter().find(|(key, _)| *key == "?").map(|(_, value)| Arc::from(*value));
    let (inputs, outputs) = named
        .into_iter()
        .filter(|(key, _)| *key != "?")
        .map(|(key, value)| (Arc::from(key), Arc::from(value)))
        .partition(|(key, _): &(Arc<str>, Arc<str>)| key.starts_with(['x', 'a', 'b']));
    Step { model, version: None, inputs, outputs, condition }
}
