//! Plans of the double, on the software CUDA device.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nereid_backend::backend::{Backend, Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::{RequestedOutput, Tensors};
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{
    EngineOptions, InstanceId, InstanceSpec, ModelSpec, RawSpec, Signature,
};
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::device::{DeviceBuffer, Limits, Priority, Stream, device_to_host, probe};
use nereid_softcuda_harness::SoftCuda;
use tempfile::TempDir;

use crate::{Settings, TensorRt};
use double::Double;

pub(crate) mod double;
mod failures;
mod loads;
mod runs;
mod shapes;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

/// An engine with the double as its library, and a folder for plans.
struct Fixture {
    engine: TensorRt,
    folder: TempDir,
    double: Double,
    copies: Arc<CopyCounter>,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Settings { library: Some(double::path()), ..Settings::default() })
    }

    fn with(settings: Settings) -> Self {
        let engine = TensorRt::new(probe(LIMITS).unwrap(), settings);
        let (folder, double) = (tempfile::tempdir().unwrap(), Double::new());
        Self { engine, folder, double, copies: Arc::default() }
    }

    fn raw(&self, plan: &str) -> RawSpec {
        let file = self.folder.path().join("model.plan");
        std::fs::write(&file, plan).unwrap();
        RawSpec { file, ..RawSpec::default() }
    }

    fn inspect(&self, plan: &str) -> Result<Signature, LoadError> {
        self.engine.inspect(&self.raw(plan))
    }

    /// The model that a server would make of the plan: batched by `rows_max` if that is not 0.
    fn spec(&self, plan: &str, rows_max: usize) -> Result<ModelSpec, LoadError> {
        let (raw, mut signature) = (self.raw(plan), self.inspect(plan)?);
        if rows_max > 0 {
            let tensors = signature.inputs.iter_mut().chain(&mut signature.outputs);
            for tensor in tensors {
                tensor.dims.remove(0);
            }
        }
        Ok(ModelSpec {
            name: "m".into(),
            version: 1,
            file: raw.file,
            signature,
            is_batched: rows_max > 0,
            rows_max: rows_max.max(1),
            parameters: raw.parameters,
            engine: EngineOptions::default(),
            instances: vec![on(0)],
        })
    }

    fn spawn(&self, spec: ModelSpec) -> Result<Box<dyn Instance>, LoadError> {
        let instance = spec.instances[0];
        self.engine.load(Arc::new(spec))?.spawn(instance)
    }

    /// Runs requests of these inputs as one batch; their answers.
    fn run(
        &self,
        instance: &mut dyn Instance,
        requests: &[&[(&str, &Tensor)]],
        outputs: &[&str],
    ) -> Vec<Answer> {
        let mut clients = Vec::new();
        let mut batch: Option<Batch> = None;
        for inputs in requests {
            let (request, client) = request(inputs, outputs);
            clients.push(client);
            match &mut batch {
                Some(batch) => batch.push(request),
                None => batch = Some(Batch::new(request, Instant::now(), self.copies.clone())),
            }
        }
        if let Running::OnDevice { after, finish } = instance.start(batch.unwrap()) {
            let devices = probe(LIMITS).unwrap();
            devices.get(0).unwrap().reaper().watch(after, finish);
        }
        clients.into_iter().map(|client| client.recv().unwrap()).collect()
    }
}

fn on(ordinal: u32) -> InstanceSpec {
    InstanceSpec { id: InstanceId(0), device: DeviceId::Cuda(ordinal) }
}

fn request(inputs: &[(&str, &Tensor)], outputs: &[&str]) -> (Request, Receiver<Answer>) {
    let (told, client) = channel();
    let home = Home::Then(Box::new(move |answer, _: &_| drop(told.send(answer))));
    let rows = inputs.first().and_then(|(_, tensor)| tensor.shape().first().copied());
    let rows = NonZeroUsize::new(rows.unwrap_or(1)).unwrap_or(NonZeroUsize::MIN);
    let inputs: Tensors =
        inputs.iter().map(|(name, tensor)| ((*name).into(), (*tensor).clone())).collect();
    let mut request = Request::new(inputs, rows, home);
    let place = DeviceId::Cuda(0);
    request.outputs = outputs
        .iter()
        .map(|name| RequestedOutput { name: (*name).into(), place: Some(place) })
        .collect();
    (request, client)
}

fn stream() -> Stream {
    let devices = probe(LIMITS).unwrap();
    devices.get(0).unwrap().stream("test", Priority::Least).unwrap()
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_values(shape.to_vec(), values.to_vec()).unwrap()
}

/// The same on the device, written by a stream of its own.
fn on_device(tensor: &Tensor) -> Tensor {
    let stream = stream();
    let bytes = tensor.host().unwrap();
    let mut to = stream.allocate(bytes.len()).unwrap();
    let mut pinned = stream.pinned(bytes.len()).unwrap();
    pinned.as_mut().copy_from_slice(bytes);
    let source = nereid_kernels::device::Source::Pinned(pinned);
    nereid_kernels::device::host_to_device(&mut to, 0, source, &CopyCounter::default()).unwrap();
    let storage = Storage::Device(to.ready().unwrap());
    Tensor::new(tensor.data_type(), tensor.shape().to_vec(), storage).unwrap()
}

/// The elements of an output, which has to be on the device.
fn values(answer: &Answer, index: usize) -> (Vec<usize>, Vec<f32>) {
    let (_, tensor) = &answer.as_ref().unwrap().outputs[index];
    let (buffer, range) = DeviceBuffer::of(tensor).unwrap();
    let download = device_to_host(buffer, &range, &stream(), &CopyCounter::default()).unwrap();
    let bytes = download.bytes().unwrap();
    let floats = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    (tensor.shape().to_vec(), floats.collect())
}

/// What `AFFINE` makes of them.
fn affine(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| 2.0 * value + 1.0).collect()
}

/// In the layouts of 10.x and of 11.x.
fn for_both_majors(body: impl Fn(&Fixture)) {
    let double = Double::new();
    for version in [100_300, 110_400] {
        double.set_version(version);
        body(&Fixture::new());
    }
}
