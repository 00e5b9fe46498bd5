//! From requests to their answers, by the real engine.

mod cancelled;
mod inputs;
mod parameters;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use bytes::Bytes;
use nereid_backend::backend::{Backend, Running};
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceMemory;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::{RequestedOutput, Tensors};
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{EngineOptions, InstanceId, RawSpec, TensorSpec};
use nereid_backend::tensor::Storage;

use super::*;
use crate::element_type::to_onnx;
use crate::fixture::{BOOL, FLOAT, Folder, INT32, INT64, Onnx, engine};

const ON_HOST: InstanceSpec = InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu };

/// What a model's file makes of a configuration that states only whether it batches.
fn spec(folder: &Folder, file: &[u8], is_batched: bool) -> Result<ModelSpec, LoadError> {
    let file = folder.write("model.onnx", file);
    let raw = RawSpec { file: file.clone(), ..RawSpec::default() };
    let mut signature = engine().inspect(&raw)?;
    for tensor in signature.inputs.iter_mut().chain(&mut signature.outputs) {
        tensor.dims.drain(..usize::from(is_batched));
    }
    Ok(ModelSpec {
        name: "m".into(),
        version: 1,
        file,
        signature,
        is_batched,
        rows_max: 8,
        parameters: BTreeMap::new(),
        engine: EngineOptions::default(),
        instances: vec![ON_HOST],
    })
}

fn load(name: &str, file: &[u8], is_batched: bool) -> Result<Arc<dyn Model>, String> {
    let folder = Folder::new(name);
    let model = spec(&folder, file, is_batched).and_then(|spec| engine().load(Arc::new(spec)));
    let path = folder.path().to_string_lossy().into_owned();
    model.map_err(|error| error.to_string().replace(&path, ""))
}

fn spawn(model: &dyn Model) -> Box<dyn Instance> {
    model.spawn(ON_HOST).unwrap()
}

fn request(
    rows: usize,
    inputs: &[(&str, Tensor)],
    outputs: &[&str],
) -> (Request, Receiver<Answer>) {
    let (home, answer) = channel();
    let then = Home::Then(Box::new(move |answer, _| home.send(answer).unwrap()));
    let inputs = inputs.iter().map(|(name, tensor)| ((*name).into(), tensor.clone())).collect();
    let mut request = Request::new(inputs, NonZeroUsize::new(rows).unwrap(), then);
    let wanted = |name: &&str| RequestedOutput { name: (*name).into(), place: Some(DeviceId::Cpu) };
    request.outputs = outputs.iter().map(wanted).collect();
    (request, answer)
}

/// The outputs of requests that run as one batch, and the bytes copied for each reason.
fn run_all(
    instance: &mut dyn Instance,
    requests: Vec<(Request, Receiver<Answer>)>,
) -> (Vec<Result<Tensors, String>>, [u64; 5]) {
    let copies = Arc::new(CopyCounter::default());
    let (requests, answers): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let mut requests = requests.into_iter();
    let first = requests.next().unwrap();
    let mut batch = Batch::new(first, Instant::now(), copies.clone());
    requests.for_each(|request| batch.push(request));
    assert!(matches!(instance.start(batch), Running::Done));
    let answers = answers.into_iter().map(|answer| answer.try_recv().unwrap());
    let outputs = answers
        .map(|answer| answer.map(|ok| ok.outputs).map_err(|error| error.to_string()))
        .collect();
    (outputs, Copy::ALL.map(|copy| copies.get(copy)))
}

/// The outputs of one request.
fn run(
    instance: &mut dyn Instance,
    rows: usize,
    inputs: &[(&str, Tensor)],
    outputs: &[&str],
) -> Result<Tensors, String> {
    let (mut answers, copied) = run_all(instance, vec![request(rows, inputs, outputs)]);
    assert_eq!(copied, [0; 5]);
    answers.remove(0)
}

fn ints(rows: usize, from: i32) -> Tensor {
    let last = from + i32::try_from(rows).unwrap() * 2;
    Tensor::from_values(vec![rows, 2], (from..last).collect()).unwrap()
}

/// `c = a + b`, of two INT32 columns.
fn add() -> Onnx {
    let model = Onnx::new().input("a", INT32, &[-1, 2]).input("b", INT32, &[-1, 2]);
    model.node("Add", &["a", "b"], "c").output("c", INT32, &[-1, 2])
}

#[test]
fn requests_of_one_batch_get_their_rows() {
    let model = load("rows", &add().encode(), true).unwrap();
    let mut instance = spawn(&*model);
    let one = request(2, &[("a", ints(2, 0)), ("b", ints(2, 100))], &["c"]);
    let two = request(1, &[("a", ints(1, 4)), ("b", ints(1, 104))], &["c"]);
    let (answers, copied) = run_all(&mut *instance, vec![one, two]);
    let outputs: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().remove(0).1).collect();
    assert_eq!(outputs[0].values::<i32>(), Some(&[100, 102, 104, 106][..]));
    assert_eq!(outputs[1].values::<i32>(), Some(&[108, 110][..]));
    assert_eq!(copied, [0, 0, 0, 48, 0]); // Both inputs are gathered; nothing else is copied.
    let joined = outputs[0].joined(&outputs[1]).map(|whole| whole.shape().to_vec());
    assert_eq!(joined, Some(vec![3, 2]), "both are views of one output");
}

#[test]
fn every_type_goes_through() {
    let types = [
        DataType::Bool,
        DataType::Uint8,
        DataType::Uint16,
        DataType::Uint32,
        DataType::Uint64,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Fp16,
        DataType::Fp32,
        DataType::Fp64,
        DataType::Bf16,
    ];
    for data_type in types {
        let element = u64::try_from(to_onnx(data_type) as i32).unwrap();
        let file = Onnx::new().input("x", element, &[-1, 4]).node("Identity", &["x"], "y").output(
            "y",
            element,
            &[-1, 4],
        );
        let model = load(data_type.name(), &file.encode(), true).unwrap();
        let words = vec![0x0001_0100_0101_0001u64; data_type.size_bytes().unwrap()];
        let bytes = Tensor::from_values(vec![words.len()], words).unwrap().host_bytes().unwrap();
        let x = Tensor::new(data_type, vec![2, 4], Storage::Host(bytes)).unwrap();
        let y = &run(&mut *spawn(&*model), 2, &[("x", x.clone())], &["y"]).unwrap()[0].1;
        assert_eq!((y.data_type(), y.shape(), y.host()), (data_type, x.shape(), x.host()));
    }
}

#[test]
fn strings_go_through() {
    let element = u64::try_from(to_onnx(DataType::Bytes) as i32).unwrap();
    let file = Onnx::new().input("x", element, &[-1, -1]).node("Identity", &["x"], "y").output(
        "y",
        element,
        &[-1, -1],
    );
    let model = load("strings", &file.encode(), true).unwrap();
    let long = vec![b'z'; 1000];
    for (shape, strings) in [
        (vec![2, 2], vec![&b"a\0b\xff"[..], b"", &long, b"last"]),
        (vec![1, 0], vec![]), // No element at all.
        (vec![1, 1], vec![&b""[..]]),
    ] {
        let x = Tensor::from_strings(shape.clone(), &strings).unwrap();
        let y = &run(&mut *spawn(&*model), shape[0], &[("x", x)], &["y"]).unwrap()[0].1;
        let answer: Vec<_> = y.strings().unwrap().collect();
        assert_eq!((y.shape(), answer), (&shape[..], strings));
    }
}

#[test]
fn an_input_that_is_an_output_is_not_copied() {
    let file = Onnx::new().input("x", INT32, &[-1, 2]).output("x", INT32, &[-1, 2]);
    let model = load("through", &file.encode(), true).unwrap();
    let x = ints(2, 0);
    let start = x.host().unwrap().as_ptr();
    let mut outputs = run(&mut *spawn(&*model), 2, &[("x", x)], &["x"]).unwrap();
    let y = outputs.remove(0).1;
    assert_eq!(y.host().unwrap().as_ptr(), start);
    // Whoever sent the input and the model itself are gone; the answer stays.
    drop(model);
    assert_eq!(y.values::<i32>(), Some(&[0, 1, 2, 3][..]));
}

#[test]
fn a_weight_that_is_an_output_outlives_its_model() {
    let numbers: Vec<u8> = (0..4i64).flat_map(i64::to_le_bytes).collect();
    let file = Onnx::new().input("x", INT32, &[-1, 2]).weight("w", INT64, &[4], &numbers).output(
        "w",
        INT64,
        &[4],
    );
    let model = load("weight", &file.encode(), false).unwrap();
    let w = run(&mut *spawn(&*model), 1, &[("x", ints(1, 0))], &["w"]).unwrap().remove(0).1;
    drop(model);
    assert_eq!(w.values::<i64>(), Some(&[0, 1, 2, 3][..]));
}

#[test]
fn inputs_are_read_and_not_written() {
    let file = Onnx::new()
        .input("x", FLOAT, &[-1, 2])
        .node("Relu", &["x"], "r")
        .node("Neg", &["r"], "y")
        .output("y", FLOAT, &[-1, 2]);
    let model = load("written", &file.encode(), true).unwrap();
    let x = Tensor::from_values(vec![1, 2], vec![-1.0f32, 2.0]).unwrap();
    let y = &run(&mut *spawn(&*model), 1, &[("x", x.clone())], &["y"]).unwrap()[0].1;
    assert_eq!(y.values::<f32>(), Some(&[-0.0, -2.0][..]));
    assert_eq!(x.values::<f32>(), Some(&[-1.0, 2.0][..]));
}

#[test]
fn a_misaligned_input_is_copied_once_and_counted() {
    let model = load("misaligned", &add().encode(), true).unwrap();
    let mut bytes = vec![0; 1];
    bytes.extend([1i32, 2].iter().flat_map(|number| number.to_le_bytes()));
    let bytes = Bytes::from_owner(Words::copy_of(&bytes)).slice(1..9);
    let a = Tensor::new(DataType::Int32, vec![1, 2], Storage::Host(bytes)).unwrap();
    let request = request(1, &[("a", a), ("b", ints(1, 10))], &["c"]);
    let (answers, copied) = run_all(&mut *spawn(&*model), vec![request]);
    let c = &answers[0].as_ref().unwrap()[0].1;
    assert_eq!((c.values::<i32>(), copied), (Some(&[11, 13][..]), [0, 0, 0, 0, 8]));
}

/// Bytes that start at an aligned address.
struct Words(Vec<u64>);

impl Words {
    fn copy_of(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        bytemuck::must_cast_slice_mut::<_, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self(words)
    }
}

impl AsRef<[u8]> for Words {
    fn as_ref(&self) -> &[u8] {
        bytemuck::must_cast_slice(&self.0)
    }
}

#[test]
fn a_failed_run_is_the_engines_error_and_not_the_last_run() {
    let file = Onnx::new()
        .input("x", INT32, &[-1, 2])
        .input("i", INT64, &[-1])
        .node("Gather", &["x", "i"], "y")
        .output("y", INT32, &[-1, 2]);
    let model = load("failed", &file.encode(), true).unwrap();
    let mut instance = spawn(&*model);
    let mut gather = |row| {
        let row = Tensor::from_values(vec![1], vec![row]).unwrap();
        run(&mut *instance, 1, &[("x", ints(1, 1)), ("i", row)], &["y"])
    };
    let error = gather(9i64).unwrap_err();
    assert!(error.contains("indices element out of data bounds"), "{error}");
    assert_eq!(gather(0).unwrap()[0].1.values::<i32>(), Some(&[1, 2][..]));
}

#[test]
fn an_output_with_other_rows_is_an_error_if_it_is_wanted() {
    let file = Onnx::new()
        .input("x", INT32, &[-1, 2])
        .node("Shape", &["x"], "y")
        .node("Neg", &["x"], "z")
        .output("y", INT64, &[-1])
        .output("z", INT32, &[-1, 2]);
    let model = load("other-rows", &file.encode(), true).unwrap();
    let mut instance = spawn(&*model);
    let error = run(&mut *instance, 1, &[("x", ints(1, 1))], &["z", "y"]).unwrap_err();
    assert_eq!(error, "the model made output 'y' of shape [2] for a batch of 1");
    let outputs = run(&mut *instance, 1, &[("x", ints(1, 1))], &["z"]).unwrap();
    assert_eq!((outputs.len(), outputs[0].1.values::<i32>()), (1, Some(&[-1, -2][..])));
}

#[test]
fn a_model_without_a_batch_axis_keeps_its_shapes() {
    let file = Onnx::new()
        .input("x", FLOAT, &[2, 3])
        .input("m", FLOAT, &[3, 1])
        .node("MatMul", &["x", "m"], "y")
        .output("y", FLOAT, &[2, 1]);
    let model = load("plain", &file.encode(), false).unwrap();
    let x = Tensor::from_values(vec![2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let m = Tensor::from_values(vec![3, 1], vec![1.0f32, 10.0, 100.0]).unwrap();
    let y = &run(&mut *spawn(&*model), 1, &[("x", x), ("m", m)], &["y"]).unwrap()[0].1;
    assert_eq!((y.shape(), y.values::<f32>()), (&[2, 1][..], Some(&[321.0, 654.0][..])));
}

#[test]
fn an_empty_tensor_goes_through() {
    let file = Onnx::new().input("x", FLOAT, &[-1, -1]).node("Neg", &["x"], "y").output(
        "y",
        FLOAT,
        &[-1, -1],
    );
    let model = load("empty", &file.encode(), true).unwrap();
    let x = Tensor::from_values::<f32>(vec![3, 0], Vec::new()).unwrap();
    let y = &run(&mut *spawn(&*model), 3, &[("x", x)], &["y"]).unwrap()[0].1;
    assert_eq!((y.shape(), y.host()), (&[3, 0][..], Some(&[][..])));
}

#[test]
fn threads_share_a_session() {
    let model = load("threads", &add().encode(), true).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let mut instance = spawn(&*model);
            scope.spawn(move || {
                for round in 0..200 {
                    let from = thread * 1000 + round;
                    let inputs = [("a", ints(4, from)), ("b", ints(4, from))];
                    let c = run(&mut *instance, 4, &inputs, &["c"]).unwrap().remove(0).1;
                    let doubled: Vec<_> = (from..from + 8).map(|number| number * 2).collect();
                    assert_eq!(c.values::<i32>(), Some(&doubled[..]));
                }
            });
        }
    });
}

struct OnGpu;

impl DeviceMemory for OnGpu {
    fn device(&self) -> DeviceId {
        DeviceId::Cuda(0)
    }

    fn size_bytes(&self) -> usize {
        8
    }
}

#[test]
fn a_tensor_on_a_device_never_reaches_the_engine() {
    let model = load("device", &add().encode(), true).unwrap();
    let a = Tensor::new(DataType::Int32, vec![1, 2], Storage::Device(Arc::new(OnGpu))).unwrap();
    let error = run(&mut *spawn(&*model), 1, &[("a", a), ("b", ints(1, 0))], &["c"]).unwrap_err();
    assert_eq!(error, "input 'a' is on cuda:0, but the model runs on the CPU");
    let spec = InstanceSpec { id: InstanceId(0), device: DeviceId::Cuda(1) };
    let error = model.spawn(spec).err().map(|error| error.to_string()).unwrap();
    assert_eq!(error, "the model has no instance on a device");
}

#[test]
fn an_input_that_is_missing_is_the_engines_error() {
    let model = load("missing", &add().encode(), true).unwrap();
    let error = run(&mut *spawn(&*model), 1, &[("a", ints(1, 0))], &["c"]).unwrap_err();
    assert!(error.contains('b') && error.contains("Missing"), "{error}");
}

#[test]
fn a_file_that_the_engine_cannot_load_is_an_error() {
    let file = Onnx::new().input("x", FLOAT, &[-1]).node("NoSuchOperator", &["x"], "y").output(
        "y",
        FLOAT,
        &[-1],
    );
    let error = load("operator", &file.encode(), true).err().unwrap();
    assert!(error.starts_with("ONNX Runtime cannot load /model.onnx: "), "{error}");
    assert!(error.contains("NoSuchOperator"), "{error}");
    let error = load("garbage", b"garbage", true).err().unwrap();
    assert!(error.contains("as an ONNX model: "), "{error}");
}

#[test]
fn a_model_may_have_threads_of_its_own() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let folder = Folder::new("own-threads");
    let mut spec = spec(&folder, &add().encode(), true).unwrap();
    spec.parameters.insert("intra_op_thread_count".into(), "65".into());
    let before = threads();
    let model = engine().load(Arc::new(spec)).unwrap();
    // Other tests start and end threads too, but never as many.
    assert!(threads() >= before + 40, "{before} before, {} now", threads());
    let inputs = [("a", ints(1, 1)), ("b", ints(1, 1))];
    let c = run(&mut *spawn(&*model), 1, &inputs, &["c"]).unwrap().remove(0).1;
    assert_eq!(c.values::<i32>(), Some(&[2, 4][..]));
}
