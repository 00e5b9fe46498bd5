//! The model: two inputs and two outputs of 16 numbers, as in Triton's `simple`, and an instance that
//! answers without computing anything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use nereid::budget::Budget;
use nereid::dynamic_batcher::DynamicBatcher;
use nereid::edge::Edge;
use nereid::places::Places;
use nereid::queue::Queue;
use nereid::regions::Regions;
use nereid::registry::{Registry, Served, Status};
use nereid::server::{Life, Server};
use nereid::statistics::Statistics;
use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{
    Dim, EngineOptions, InstanceId, InstanceSpec, ModelSpec, Signature, TensorSpec,
};
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::{Absence, Devices};
use nereid_model_repository::definition::{Batching, Definition, Scheduling};
use nereid_model_repository::labels::Labels;
use nereid_proto::inference::ModelConfig;
use tokio::sync::watch;

use crate::turn::Turn;

/// Its name.
pub(crate) const MODEL: &str = "simple";
/// Its inputs and outputs.
pub(crate) const INPUTS: [&str; 2] = ["INPUT0", "INPUT1"];
const OUTPUTS: [&str; 2] = ["OUTPUT0", "OUTPUT1"];
/// Elements of each.
pub(crate) const ELEMENTS: u8 = 16;

const ROWS_MAX: usize = 8;
const BYTES_MAX: usize = 64 << 20;
const REQUESTS_MAX: usize = 1_024;

/// What is sent for each input.
pub(crate) fn sent() -> impl Iterator<Item = i32> {
    (0..ELEMENTS).map(i32::from)
}

/// What the model answers in its first output; in the second, all are one less.
pub(crate) fn answered() -> impl Iterator<Item = i32> {
    (1..=ELEMENTS).map(|number| 100 * i32::from(number))
}

/// A server of the model, and the queue at which its instance is served by `turn`.
pub(crate) fn serve(turn: Turn, life: watch::Receiver<Life>) -> (Arc<Queue<Turn>>, Arc<Server>) {
    let batching = Batching { rows_max: ROWS_MAX, ..Batching::default() };
    let statistics = Arc::new(Statistics::default());
    let batcher = DynamicBatcher::new(batching.clone(), 1, statistics.clone());
    let queue = Queue::new(MODEL.into(), statistics.clone(), Box::new(batcher), vec![turn]);
    let served =
        Served { definition: definition(batching), route: queue.clone(), statistics, model: None };
    let (mut registry, models) = Registry::new();
    registry.set(MODEL, 1, Status::Ready(Arc::new(served)));
    let edge = Edge::new(Devices::absent(Absence::NotLooked)).expect("a thread");
    let server = Server {
        name: "nereid".to_owned(),
        models,
        control: None,
        budget: Budget::new(BYTES_MAX),
        places: Places::new(REQUESTS_MAX),
        input_bytes_max: BYTES_MAX,
        life,
        is_strict: true,
        devices: Devices::absent(Absence::NotLooked),
        regions: Regions::new(edge, true),
    };
    (queue, Arc::new(server))
}

fn definition(batching: Batching) -> Definition {
    let dims = || vec![Dim::Fixed(usize::from(ELEMENTS))];
    let tensors = |names: [&str; 2]| {
        names.map(|name| TensorSpec::new(name, DataType::Int32, dims())).to_vec()
    };
    let spec = ModelSpec {
        name: MODEL.into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature {
            inputs: tensors(INPUTS),
            outputs: tensors(OUTPUTS),
            ..Signature::default()
        },
        is_batched: true,
        rows_max: ROWS_MAX,
        parameters: BTreeMap::new(),
        engine: EngineOptions::default(),
        instances: vec![InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu }],
    };
    Definition {
        config: ModelConfig { name: MODEL.to_owned(), ..ModelConfig::default() },
        spec: Arc::new(spec),
        scheduling: Scheduling::Queue { backend: "scripted", batching },
        labels: Labels::default(),
        warmup: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Takes the inputs as an engine does, and answers every request with the same outputs.
pub(crate) struct Scripted(Tensors);

impl Scripted {
    /// An instance with its answer.
    pub(crate) fn new() -> Self {
        let shape = vec![1, usize::from(ELEMENTS)];
        let outputs = OUTPUTS.into_iter().zip(0..).map(|(name, less)| {
            let values = answered().map(|number| number - less).collect();
            let tensor = Tensor::from_values(shape.clone(), values);
            (name.into(), tensor.expect("as many as the shape says"))
        });
        Self(outputs.collect())
    }
}

impl Instance for Scripted {
    fn start(&mut self, mut batch: Batch) -> Running {
        let inputs = INPUTS.map(|name| batch.gather(name));
        batch.inputs_ready();
        if inputs.iter().all(|input| matches!(input, Ok(Some(_)))) {
            batch.computed();
            batch.respond_rows(Ok(self.0.clone()));
        } else {
            batch.fail(&InferError::Backend("an input is missing".into()));
        }
        Running::Done
    }
}
