//! Models on the software CUDA device, by a provider of the tests (`tests/softprovider`) in the real
//! ONNX Runtime.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use nereid_backend::backend::{Backend, Model};
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{EngineOptions, InstanceId, InstanceSpec, RawSpec};
use nereid_backend::tensor::Storage;
use nereid_kernels::device::{
    DeviceBuffer, Limits, Priority, Source, Stream, device_to_host, host_to_device, probe,
};
use nereid_softcuda_harness::SoftCuda;

use ort::environment::Environment;

use super::*;
use crate::fixture::{BOOL, DOUBLE, FLOAT, Folder, Onnx, library};
use crate::{OnnxRuntime, Settings};

mod failures;
mod loads;
mod provider;
mod real;
mod runs;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 8 << 20 };
const COPIES: [Copy; 4] =
    [Copy::HostToDevice, Copy::DeviceToDevice, Copy::DeviceToHost, Copy::Gather];

/// The engine, with the provider of the tests, and a folder for models.
struct Fixture {
    engine: OnnxRuntime,
    folder: Folder,
    copies: Arc<CopyCounter>,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Some(provider::path()))
    }

    fn with(provider_library: Option<PathBuf>) -> Self {
        Self::of(&library(), provider_library)
    }

    /// With another library of ONNX Runtime.
    fn of(library: &Path, provider_library: Option<PathBuf>) -> Self {
        let mut settings = Settings::default();
        settings.provider_library = provider_library;
        let engine = crate::init(library, settings).unwrap().on(probe(LIMITS).unwrap());
        Self { engine, folder: Folder::new("device"), copies: Arc::default() }
    }

    /// One of several engines of a test, which share the environment: a process has one.
    fn of_environment(provider_library: PathBuf) -> Self {
        static FIRST: OnceLock<Environment> = OnceLock::new();
        let environment = FIRST.get_or_init(|| {
            crate::init(&library(), Settings::default()).unwrap().environment().unwrap().clone()
        });
        let mut settings = Settings::default();
        settings.provider_library = Some(provider_library);
        let engine = OnnxRuntime::new(environment.clone(), settings);
        let engine = engine.on(probe(LIMITS).unwrap());
        Self { engine, folder: Folder::new("device"), copies: Arc::default() }
    }

    /// The model that a server would make of the file: batched if `rows_max` is not 0.
    fn spec(&self, model: &Onnx, rows_max: usize) -> ModelSpec {
        let file = self.folder.write("model.onnx", &model.encode());
        let raw = RawSpec { file, ..RawSpec::default() };
        let mut signature = self.engine.inspect(&raw).unwrap();
        for tensor in signature.inputs.iter_mut().chain(&mut signature.outputs) {
            tensor.dims.drain(..rows_max.min(1));
        }
        ModelSpec {
            name: "m".into(),
            version: 1,
            file: raw.file,
            signature,
            is_batched: rows_max > 0,
            rows_max: rows_max.max(1),
            parameters: BTreeMap::new(),
            engine: EngineOptions::default(),
            instances: vec![on(0)],
        }
    }

    fn load(&self, spec: ModelSpec) -> Result<Arc<dyn Model>, String> {
        self.engine.load(Arc::new(spec)).map_err(|error| error.to_string())
    }

    fn spawn(&self, spec: ModelSpec) -> Result<Box<dyn Instance>, String> {
        let instance = spec.instances[0];
        self.load(spec)?.spawn(instance).map_err(|error| error.to_string())
    }

    /// Runs requests of these inputs as one batch; their answers.
    fn run(
        &self,
        instance: &mut dyn Instance,
        requests: &[&[(&str, &Tensor)]],
        outputs: &[&str],
    ) -> Vec<Answer> {
        let (mut clients, mut batch): (Vec<_>, Option<Batch>) = (Vec::new(), None);
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

    fn copied(&self) -> [u64; 4] {
        COPIES.map(|copy| self.copies.get(copy))
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
    let place = Some(DeviceId::Cuda(0));
    let wanted = |name: &&str| RequestedOutput { name: (*name).into(), place };
    request.outputs = outputs.iter().map(wanted).collect();
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
    host_to_device(&mut to, 0, Source::Pinned(pinned), &CopyCounter::default()).unwrap();
    let storage = Storage::Device(to.ready().unwrap());
    Tensor::new(tensor.data_type(), tensor.shape().to_vec(), storage).unwrap()
}

/// An output, which has to be on the device.
fn output(answer: &Answer, index: usize) -> Tensor {
    let tensor = answer.as_ref().unwrap().outputs[index].1.clone();
    assert!(tensor.host().is_none(), "it is on the host");
    tensor
}

/// The bytes of a tensor on the device.
fn bytes_of(tensor: &Tensor) -> Bytes {
    let (buffer, range) = DeviceBuffer::of(tensor).unwrap();
    let stream = buffer.owner().stream("test", Priority::Least).unwrap();
    let download = device_to_host(buffer, &range, &stream, &CopyCounter::default()).unwrap();
    download.bytes().unwrap()
}

/// The elements of a tensor on the device.
fn values(tensor: &Tensor) -> (Vec<usize>, Vec<f32>) {
    let bytes = bytes_of(tensor);
    let floats = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    (tensor.shape().to_vec(), floats.collect())
}

/// `y = 2 x + 1`, of rows of three, both on the device.
fn affine() -> Onnx {
    let weights = Onnx::new().weight("two", FLOAT, &[1], &2_f32.to_le_bytes()).weight(
        "one",
        FLOAT,
        &[1],
        &1_f32.to_le_bytes(),
    );
    let nodes = weights.node("Mul", &["x", "two"], "twice").node("Add", &["twice", "one"], "y");
    nodes.input("x", FLOAT, &[-1, 3]).output("y", FLOAT, &[-1, 3])
}

/// What [`affine`] makes of them.
fn affine_of(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| 2.0 * value + 1.0).collect()
}
