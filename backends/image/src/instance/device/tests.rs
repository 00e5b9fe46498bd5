//! The same answers on the CPU and on the software CUDA device, to the bit.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use jpeg_encoder::ColorType;
use nereid_backend::backend::{Backend, Model};
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::Kind;
use nereid_backend::observer::Copy;
use nereid_backend::parts::{RequestedOutput, Tensors};
use nereid_backend::request::Home;
use nereid_backend::spec::{
    Dim, EngineOptions, InstanceId, InstanceSpec, ModelSpec, RawSpec, Signature, TensorSpec,
};
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::{Device, Limits, Priority, device_to_host, probe};
use nereid_kernels::executor::{Executors, Tenant};
use nereid_softcuda_harness::{AnyCuda, Library, SoftCuda};

use super::*;
use crate::ImageBackend;
use crate::options::Options;
use crate::samples::{encode, jpeg, kinds, picture};

mod levels;
mod nvjpeg;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 4 << 20 };

/// The engine on the software device.
struct World {
    device: Device,
    backend: ImageBackend,
}

/// What a model answers: each request's outputs as type, shape and bytes, or its error.
type Answers = Vec<Result<Vec<(DataType, Vec<usize>, Vec<u8>)>, String>>;

/// The inputs of a request, and its rows.
type Asked = (Tensors, usize);

impl World {
    fn new() -> Self {
        let devices = probe(LIMITS).unwrap();
        let device = devices.get(0).unwrap().clone();
        Self { device, backend: ImageBackend::new(devices) }
    }

    fn model(&self, parameters: &str, data_type: DataType, asked: &[Asked]) -> Arc<dyn Model> {
        self.backend.load(Arc::new(self.spec(parameters, data_type, asked))).unwrap()
    }

    /// A model of these parameters, `a=b;c=d`, and this type of pixels.
    fn spec(&self, parameters: &str, data_type: DataType, asked: &[Asked]) -> ModelSpec {
        let pairs = parameters.split(';').filter_map(|pair| pair.split_once('='));
        let parameters: std::collections::BTreeMap<String, String> =
            pairs.map(|(key, value)| (key.into(), value.into())).collect();
        let is_crop = parameters.get("operation").is_some_and(|operation| operation == "crop");
        let rows_max = if is_crop { 0 } else { 8 };
        let mut user = Signature::default();
        for (name, tensor) in &asked[0].0 {
            let axes = usize::from(!is_crop)..tensor.shape().len();
            let dims = match (&**name, tensor.data_type()) {
                ("IMAGE", DataType::Bytes) => vec![Dim::Fixed(1)],
                ("BOXES", _) => vec![Dim::Any, Dim::Fixed(4)],
                _ => axes.map(|axis| Dim::Fixed(tensor.shape()[axis])).collect(),
            };
            user.inputs.push(TensorSpec::new(name, tensor.data_type(), dims));
        }
        for (name, data_type) in [
            ("PIXELS", data_type),
            ("ORIGINAL_SIZE", DataType::Int32),
            ("TRANSFORM", DataType::Fp32),
        ] {
            user.outputs.push(TensorSpec::new(name, data_type, Vec::new()));
        }
        let raw = RawSpec {
            parameters: parameters.clone(),
            rows_max,
            signature: user,
            ..RawSpec::default()
        };
        let mut signature = self.backend.inspect(&raw).unwrap();
        for tensor in signature.inputs.iter_mut().chain(&mut signature.outputs) {
            tensor.dims.drain(..usize::from(!is_crop));
        }
        ModelSpec {
            name: "prepare".into(),
            version: 1,
            file: std::path::PathBuf::new(),
            signature,
            is_batched: !is_crop,
            rows_max: rows_max.max(1),
            parameters,
            engine: EngineOptions::default(),
            instances: Vec::new(),
        }
    }

    /// Starts a batch; whoever waits for its answers.
    fn start(
        &self,
        instance: &mut dyn Instance,
        asked: &[Asked],
        copies: &Arc<CopyCounter>,
    ) -> Vec<Receiver<Answer>> {
        let (batch, clients) = batch(asked, copies);
        if let Running::OnDevice { after, finish } = instance.start(batch) {
            self.device.reaper().watch(after, finish);
        }
        clients
    }

    fn answers(&self, clients: Vec<Receiver<Answer>>) -> Answers {
        let answer = |client: Receiver<Answer>| match client.recv().unwrap() {
            Ok(response) => {
                Ok(response.outputs.iter().map(|(_, tensor)| self.output(tensor)).collect())
            }
            Err(error) => Err(error.to_string()),
        };
        clients.into_iter().map(answer).collect()
    }

    fn output(&self, tensor: &Tensor) -> (DataType, Vec<usize>, Vec<u8>) {
        let bytes = match DeviceBuffer::of(tensor) {
            None => tensor.host().unwrap().to_vec(),
            Some((buffer, range)) => {
                let stream = self.device.stream("test", Priority::Least).unwrap();
                let copies = CopyCounter::default();
                let download = device_to_host(buffer, &range, &stream, &copies).unwrap();
                download.bytes().unwrap().to_vec()
            }
        };
        (tensor.data_type(), tensor.shape().to_vec(), bytes)
    }

    /// Both answer the same, with JPEGs decoded on the CPU, and the device, where it counts, gets only
    /// what the copies say.
    fn check(
        &self,
        cuda: Option<&Library>,
        parameters: &str,
        data_type: DataType,
        asked: &[Asked],
    ) {
        let is_raw = parameters.contains("input_format=");
        let parameters = &format!("{parameters}{}", if is_raw { "" } else { ";decoder=cpu" });
        let model = self.model(parameters, data_type, asked);
        let run = |device| {
            let copies = Arc::new(CopyCounter::default());
            let clients = self.start(&mut *spawn(&model, device), asked, &copies);
            (self.answers(clients), copies)
        };
        let (expected, _) = run(DeviceId::Cpu);
        let count = || cuda.map(|cuda| cuda.count("h2d_bytes"));
        let before = count();
        let (got, copies) = run(self.device.id());
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert!(got == expected, "{parameters} to {data_type:?}: {got:?} is not {expected:?}");
        }
        let uploaded = copies.get(Copy::HostToDevice);
        assert_eq!(count(), before.map(|before| before + uploaded), "{parameters}");
        let is_drawn = |answer: &Result<Vec<_>, String>| {
            answer.as_ref().is_ok_and(|outputs: &Vec<(_, _, Vec<u8>)>| !outputs[0].2.is_empty())
        };
        assert_eq!(uploaded > 0, expected.iter().any(is_drawn), "{parameters}");
        assert_eq!([Copy::Gather, Copy::DeviceToDevice].map(|copy| copies.get(copy)), [0, 0]);
    }
}

fn batch(asked: &[Asked], copies: &Arc<CopyCounter>) -> (Batch, Vec<Receiver<Answer>>) {
    let mut clients = Vec::new();
    let mut request = |(inputs, rows): &Asked| {
        let (told, client) = channel();
        clients.push(client);
        let home = Home::Then(Box::new(move |answer, _: &_| told.send(answer).unwrap()));
        let rows = NonZeroUsize::new(*rows).unwrap();
        let mut request = Request::new(inputs.clone(), rows, home);
        let wanted = ["PIXELS", "ORIGINAL_SIZE", "TRANSFORM"];
        let wanted = wanted.map(|name| RequestedOutput { name: name.into(), place: None });
        request.outputs = wanted.to_vec();
        request
    };
    let mut batch = Batch::new(request(&asked[0]), Instant::now(), copies.clone());
    asked[1..].iter().for_each(|asked| batch.push(request(asked)));
    (batch, clients)
}

fn spawn(model: &Arc<dyn Model>, device: DeviceId) -> Box<dyn Instance> {
    model.spawn(InstanceSpec { id: InstanceId(0), device }).unwrap()
}

fn files(files: &[Vec<u8>]) -> Asked {
    let tensor = Tensor::from_strings(vec![files.len(), 1], files).unwrap();
    (vec![("IMAGE".into(), tensor)], files.len())
}

fn levels(shape: &[usize], seed: u8) -> Asked {
    let count = shape.iter().product::<usize>();
    let levels = (0..=u8::MAX).map(|index| index.wrapping_mul(151).wrapping_add(seed));
    let levels = levels.cycle().take(count).collect();
    let tensor = Tensor::from_values(shape.to_vec(), levels).unwrap();
    (vec![("IMAGE".into(), tensor)], shape[0])
}

/// A JPEG that is stored this way, of EXIF's eight.
fn stored(size: (usize, usize), orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    encode(size, ColorType::Rgb, |encoder| encoder.add_app_segment(1, exif.clone()).unwrap())
}

#[test]
fn every_way_to_resize_on_the_software_cuda_device() {
    AnyCuda::new().run_counted(|cuda| {
        let world = World::new();
        let ways = [
            "resize=stretch;width=9;height=7",
            "resize=stretch;width=33;height=21",
            "resize=letterbox;width=16;height=12;pad_value=114",
            "resize=letterbox;width=11;height=16;anchor=top_left;pad_value=1,2,3",
            "resize=center_crop;width=8;height=6;shorter_side=9",
            "resize=fixed_height;height=8;width_multiple=8;width_max=24;pad_value=-1",
            "resize=none",
        ];
        let asked = [files(&[jpeg(20, 14)]), files(&[jpeg(13, 17), jpeg(6, 5)])];
        for way in ways {
            for antialias in ["true", "false"] {
                let parameters = format!("{way};antialias={antialias}");
                world.check(cuda, &parameters, DataType::Fp32, &asked);
            }
        }
    });
}

#[test]
fn every_output_on_the_software_cuda_device() {
    AnyCuda::new().run_counted(|cuda| {
        let world = World::new();
        let asked = [files(&[jpeg(15, 11)])];
        let numbers = "mean=10.5,20,30;scale=0.5,0.017,1";
        for data_type in [DataType::Uint8, DataType::Fp16, DataType::Fp32, DataType::Fp64] {
            for layout in ["NCHW", "NHWC"] {
                for (order, numbers) in
                    [("RGB", numbers), ("BGR", numbers), ("GRAY", "mean=7;scale=0.3")]
                {
                    let parameters = format!(
                        "resize=letterbox;width=8;height=9;layout={layout};channel_order={order};\
                         antialias=true;{numbers}"
                    );
                    world.check(cuda, &parameters, data_type, &asked);
                }
            }
        }
    });
}

#[test]
fn every_input_on_the_software_cuda_device() {
    AnyCuda::new().run_counted(|cuda| {
        let world = World::new();
        let size = "width=9;height=7";
        for (format, shape) in [
            ("rgb", &[2, 11, 10, 3][..]),
            ("bgr", &[2, 11, 10, 3]),
            ("gray", &[2, 11, 10, 1]),
            ("nv12", &[2, 15, 12]),
        ] {
            let asked = [levels(shape, 3), levels(shape, 90)];
            let parameters = format!("{size};input_format={format}");
            world.check(cuda, &parameters, DataType::Fp32, &asked);
        }
        for (name, file) in kinds((17, 13)) {
            let parameters = format!("{size};exif_orientation=ignore");
            println!("{name}");
            world.check(cuda, &parameters, DataType::Fp32, &[files(&[file])]);
        }
        for orientation in 1..=8 {
            for exif in ["apply", "ignore"] {
                let parameters = format!("{size};exif_orientation={exif}");
                let file = stored((12, 9), orientation);
                world.check(cuda, &parameters, DataType::Uint8, &[files(&[file])]);
            }
        }
    });
}

#[test]
fn crops_on_the_software_cuda_device() {
    AnyCuda::new().run_counted(|cuda| {
        let world = World::new();
        let asked = |file: Vec<u8>, boxes: &[[f32; 4]]| {
            let image = Tensor::from_strings(vec![1], &[file]).unwrap();
            let numbers = boxes.concat();
            let boxes = Tensor::from_values(vec![boxes.len(), 4], numbers).unwrap();
            [(vec![("IMAGE".into(), image), ("BOXES".into(), boxes)], 1)]
        };
        let pixels = [[1.0, 2.0, 9.0, 8.0], [-3.0, 4.4, 6.5, 40.0], [5.0, 5.0, 5.0, 5.0]];
        let shares = pixels.map(|numbers| numbers.map(|number| number / 16.0));
        let size = "operation=crop;width=6;height=5";
        for format in ["xyxy", "xywh", "cxcywh"] {
            let parameters = format!("{size};box_format={format}");
            let asked = asked(stored((16, 12), 6), &pixels);
            world.check(cuda, &parameters, DataType::Fp32, &asked);
        }
        let normalized = format!("{size};box_units=normalized;antialias=true");
        world.check(cuda, &normalized, DataType::Fp16, &asked(jpeg(16, 12), &shares));
        world.check(cuda, size, DataType::Fp32, &asked(jpeg(16, 12), &[]));
        world.check(cuda, size, DataType::Fp32, &asked(jpeg(16, 12), &[[f32::NAN; 4]]));
    });
}

#[test]
fn a_bad_picture_fails_its_own_request_on_the_software_cuda_device() {
    AnyCuda::new().run_counted(|cuda| {
        let world = World::new();
        let cut = jpeg(20, 10)[..300].to_vec();
        let asked = [
            files(&[jpeg(20, 10)]),
            files(&[b"This is a text file".to_vec()]),
            files(&[jpeg(20, 10), cut, jpeg(5, 5)]),
            files(&[jpeg(10, 20), jpeg(7, 7)]),
        ];
        world.check(cuda, "width=4;height=3", DataType::Fp32, &asked);
    });
}

#[test]
fn pictures_of_one_shape_are_one_launch_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let world = World::new();
        let sizes = [(20, 10), (9, 14), (30, 5), (8, 8)];
        let asked: Vec<_> = sizes.map(|(width, height)| files(&[jpeg(width, height)])).into();
        let model = world.model("width=6;height=4", DataType::Fp32, &asked);
        let mut instance = spawn(&model, world.device.id());
        let (copies, before) = (Arc::new(CopyCounter::default()), cuda.count("launches"));
        let clients = world.start(&mut *instance, &asked, &copies);
        let answers: Vec<_> =
            clients.into_iter().map(|client| client.recv().unwrap().unwrap().outputs).collect();
        assert_eq!(cuda.count("launches") - before, 1);
        // Requests share the batch's memory, so that the next step takes it as it is.
        let pixels: Vec<_> = answers.iter().map(|outputs| &outputs[0].1).collect();
        let whole = nereid_backend::batch::joined(pixels[0], &pixels[1..]).unwrap();
        assert_eq!(whole.shape(), [4, 3, 4, 6]);
        let uploaded: usize =
            sizes.iter().map(|(width, height)| picture(*width, *height).len()).sum();
        assert_eq!(copies.get(Copy::HostToDevice), uploaded as u64);
    });
}

/// A stream works only as far as somebody waits for it. What is uploaded behind the second batch is
/// awaited here, and so are both batches' uploads; if nothing was drawn by then, uploads wait for no
/// drawing.
#[test]
fn batches_are_uploaded_while_others_are_drawn_on_the_software_cuda_device() {
    SoftCuda::new().set("run_when_awaited", 1).run(|cuda| {
        let world = World::new();
        let asked = [files(&[jpeg(20, 10)])];
        let spec = world.spec("width=6;height=4", DataType::Fp32, &asked);
        let contract = Contract::new(&spec, Options::parse(&spec.parameters).unwrap()).unwrap();
        let executor = Executors::new(probe(LIMITS).unwrap());
        let executor = executor.open(world.device.id(), &Tenant::new("test")).unwrap();
        let mut instance = DeviceInstance::new(contract, executor, None);
        let copies = Arc::new(CopyCounter::default());
        let mut start = || {
            let (batch, clients) = batch(&asked, &copies);
            (instance.start(batch), clients)
        };
        let started = [start(), start()];
        let behind = instance.executor.upload(1, |bytes| bytes.fill(1), &copies).unwrap();
        behind.ready().unwrap().synchronize().unwrap();
        assert_eq!(cuda.count("instructions"), 0, "nothing is drawn");
        for (running, clients) in started {
            let Running::OnDevice { after, finish } = running else {
                panic!("it is on the device")
            };
            world.device.reaper().watch(after, finish);
            assert!(world.answers(clients)[0].is_ok());
        }
        assert!(cuda.count("instructions") > 0);
    });
}

#[test]
fn out_of_memory_fails_requests_and_nothing_else_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let mut failures = 0;
        for nth in 1.. {
            let world = World::new(); // Anew, without memory that was kept.
            let asked = [files(&[jpeg(64, 36)]), files(&[jpeg(32, 18)])];
            let model = world.model("width=16;height=9", DataType::Fp32, &asked);
            let mut instance = spawn(&model, world.device.id());
            let copies = Arc::new(CopyCounter::default());
            cuda.set("fail_allocation", nth);
            let clients = world.start(&mut *instance, &asked, &copies);
            cuda.set("fail_allocation", 0);
            let failed: Vec<_> =
                clients.into_iter().filter_map(|client| client.recv().unwrap().err()).collect();
            for error in &failed {
                assert_eq!(error.kind(), Kind::Unavailable, "{error}");
                assert!(
                    error.to_string().contains("memory of cuda:0: prepare asked for"),
                    "{error}"
                );
            }
            // The next batch has all it needs.
            let clients = world.start(&mut *instance, &asked, &copies);
            assert!(world.answers(clients).iter().all(Result::is_ok), "after {nth}");
            if failed.is_empty() {
                break;
            }
            failures += 1;
        }
        // Pinned memory and device memory for each picture, and the output.
        assert!((4..=5).contains(&failures), "{failures}");
    });
}

#[test]
fn a_failed_launch_fails_its_batch_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let world = World::new();
        let asked = [files(&[jpeg(20, 10)])];
        let model = world.model("width=6;height=4", DataType::Fp32, &asked);
        let mut instance = spawn(&model, world.device.id());
        let copies = Arc::new(CopyCounter::default());
        cuda.set("fail_launch", 1);
        let clients = world.start(&mut *instance, &asked, &copies);
        let error = world.answers(clients).remove(0).unwrap_err();
        assert!(error.contains("cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"), "{error}");
        let clients = world.start(&mut *instance, &asked, &copies);
        assert!(world.answers(clients)[0].is_ok());
    });
}

#[test]
fn a_lost_device_is_told_and_the_cpu_goes_on_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let world = World::new();
        let asked = [files(&[jpeg(20, 10)])];
        let model = world.model("width=6;height=4", DataType::Fp32, &asked);
        let mut instance = spawn(&model, world.device.id());
        let copies = Arc::new(CopyCounter::default());
        cuda.set("fail_kernel", 1);
        for _ in 0..2 {
            let clients = world.start(&mut *instance, &asked, &copies);
            for client in clients {
                let error = client.recv().unwrap().unwrap_err();
                assert!(matches!(error, InferError::DeviceLost(_)), "{error}");
            }
        }
        let clients = world.start(&mut *spawn(&model, DeviceId::Cpu), &asked, &copies);
        assert!(world.answers(clients)[0].is_ok());
        let slot = InstanceSpec { id: InstanceId(1), device: world.device.id() };
        let error = model.spawn(slot).err().unwrap();
        assert!(error.0.starts_with("device cuda:0 is lost ("), "{error}");
    });
}
