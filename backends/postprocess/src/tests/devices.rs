//! Every operation on the software CUDA device and on the CPU: equal bytes over the tables of their
//! options, wherever inputs come from, and every copy counted.

mod cases;
mod faults;
mod tables;

use nereid_backend::observer::Copy;
use nereid_backend::tensor::Storage;
use nereid_kernels::device::{
    Device, DeviceBuffer, Limits, Priority, Source, Stream, device_to_host, host_to_device, probe,
};
use nereid_softcuda_harness::{AnyCuda, Library, Random, SoftCuda};

use super::*;
use cases::{Case, Tensors};

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 64 << 20 };

/// Where the inputs of a request are.
#[derive(Clone, Copy, Debug)]
enum Inputs {
    Host,
    Device,
    /// On the host, on the device and on another one.
    Anywhere,
}

/// Devices, two where there are so many, of which the first runs the models.
struct Bench<'a> {
    cuda: Option<&'a Library>,
    backend: PostprocessBackend,
    streams: Vec<Stream>,
    /// So that kernels are loaded once.
    _kept: Loaded,
}

impl<'a> Bench<'a> {
    fn new(cuda: Option<&'a Library>) -> Self {
        let devices = probe(LIMITS).unwrap();
        let stream = |device: &Device| device.stream("test", Priority::Least).unwrap();
        let streams = devices.all().iter().take(2).map(stream).collect();
        let backend = PostprocessBackend::new(devices);
        let softmax = [("operation", "softmax".to_owned())];
        let user = Signature { inputs: vec![], outputs: vec![], ..Signature::default() };
        let kept = load_on((&backend, DeviceId::Cuda(0)), &softmax, user, 1).unwrap();
        Self { cuda, backend, streams, _kept: kept }
    }

    /// A copy of a tensor where it is wanted, written by a stream that is not the model's.
    fn bring(&self, tensor: &Tensor, place: usize) -> Tensor {
        let Some(stream) = self.streams.get(place) else { return tensor.clone() };
        let bytes = tensor.host().unwrap();
        let mut to = stream.allocate(bytes.len()).unwrap();
        host_to_device(&mut to, 0, Source::Pageable(bytes), &CopyCounter::default()).unwrap();
        let storage = Storage::Device(to.ready().unwrap());
        Tensor::new(tensor.data_type(), tensor.shape().to_vec(), storage).unwrap()
    }

    fn home(&self, tensor: &Tensor) -> Vec<u8> {
        let Some((buffer, range)) = DeviceBuffer::of(tensor) else {
            return tensor.host().unwrap().to_vec();
        };
        if range.is_empty() {
            return Vec::new();
        }
        let copies = CopyCounter::default();
        let download = device_to_host(buffer, &range, &self.streams[0], &copies).unwrap();
        download.bytes().unwrap().to_vec()
    }

    /// Type, shape and bytes of each output, or the error; NaNs are all the same.
    fn told(&self, answer: &Answer) -> Result<Vec<(String, Vec<u8>)>, String> {
        let response = answer.as_ref().map_err(|error| match error {
            InferError::Invalid(_) => "invalid".to_owned(),
            other => other.to_string(),
        })?;
        let mut told: Vec<_> = response
            .outputs
            .iter()
            .map(|(name, tensor)| {
                let mut bytes = self.home(tensor);
                if tensor.data_type() == DataType::Fp32 {
                    for word in bytes.as_chunks_mut().0 {
                        if f32::from_le_bytes(*word).is_nan() {
                            *word = f32::NAN.to_le_bytes();
                        }
                    }
                }
                let (data_type, shape) = (tensor.data_type(), tensor.shape());
                (format!("{name} {} {shape:?}", data_type.name()), bytes)
            })
            .collect();
        told.sort();
        Ok(told)
    }

    /// Runs the requests of a case on both, and compares all that can be told.
    fn check(&self, case: &Case, seed: u64, inputs: Inputs) {
        let mut random = Random::new(seed);
        let load = |device| {
            let backend = (&self.backend, device);
            load_on(backend, &case.parameters, case.signature(), case.rows_max).unwrap()
        };
        let (mut cpu, mut gpu) = (load(DeviceId::Cpu), load(DeviceId::Cuda(0)));
        let count = if case.rows_max > 0 { random.between(1, 3) } else { 1 };
        let rows = |random: &mut Random| if case.rows_max > 0 { random.between(1, 2) } else { 1 };
        let requests: Vec<(NonZeroUsize, Tensors)> = (0..count)
            .map(|_| {
                let rows = rows(&mut random);
                (NonZeroUsize::new(rows).unwrap(), case.request(&mut random, rows))
            })
            .collect();
        let placed = |(rows, tensors): &(NonZeroUsize, Tensors), random: &mut Random| {
            let place = |random: &mut Random| match inputs {
                Inputs::Host => self.streams.len(),
                Inputs::Device => 0,
                Inputs::Anywhere => random.between(0, self.streams.len()),
            };
            let tensors = tensors.iter().map(|(name, it)| (*name, self.bring(it, place(random))));
            (*rows, tensors.collect::<Vec<_>>())
        };
        let placed = requests.iter().map(|request| placed(request, &mut random)).collect();
        self.streams.iter().for_each(|stream| stream.synchronize().unwrap());
        let counts = || {
            let count = |cuda: &Library| {
                ["h2d", "d2h", "peer", "d2d"].map(|it| cuda.count(&format!("{it}_bytes")))
            };
            self.cuda.map(count)
        };
        let (before, copies) = (counts(), Arc::new(CopyCounter::default()));
        let got = gpu.run_rows(placed, &copies);
        let copied = [Copy::HostToDevice, Copy::DeviceToHost, Copy::DeviceToDevice];
        let told = format!("seed {seed}, {inputs:?}, {:?} of {}", case.parameters, case.rows_max);
        if let (Some(before), Some(after)) = (before, counts()) {
            for (which, copy) in copied.into_iter().enumerate() {
                assert_eq!(after[which] - before[which], copies.get(copy), "{copy:?}: {told}");
            }
            assert_eq!(after[3], before[3], "a copy within the device: {told}");
        }
        let expected = cpu.run_rows(requests, &Arc::default());
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(self.told(got), self.told(expected), "{told}");
            assert!(gpu.fits(got), "{told}: {got:?}");
            let is_home = |(_, it): &(_, Tensor)| it.device() == DeviceId::Cpu;
            let outputs = got.as_ref().map_or(&[][..], |response| &response.outputs);
            let strings = |(_, it): &(_, Tensor)| it.data_type() == DataType::Bytes;
            assert!(outputs.iter().all(|it| is_home(it) == strings(it)), "{told}");
        }
    }
}

fn check_all(cuda: Option<&Library>, cases: &[Case]) {
    let bench = Bench::new(cuda);
    for (seed, case) in (0..).zip(cases) {
        let places = [Inputs::Host, Inputs::Device, Inputs::Anywhere];
        bench.check(case, seed, places[usize::try_from(seed).unwrap() % 3]);
    }
}

macro_rules! tables {
    ($($test:ident: $cases:expr;)+) => { $(
        #[test]
        fn $test() {
            // On a machine with one GPU all inputs are there or on the host.
            AnyCuda::new()
                .set("devices", 2)
                .run_counted(|cuda| check_all(cuda, &$cases(&mut Random::new(77))));
        }
    )+ };
}

tables! {
    softmax_on_the_software_cuda_device: tables::softmax;
    argmax_and_top_k_on_the_software_cuda_device: tables::top_k;
    ctc_on_the_software_cuda_device: tables::ctc;
    detection_on_the_software_cuda_device: tables::detection;
    nms_on_the_software_cuda_device: tables::nms;
    proposals_and_refine_on_the_software_cuda_device: tables::cascade;
    heatmap_on_the_software_cuda_device: tables::heatmap;
    concatenate_on_the_software_cuda_device: tables::concatenate;
}

#[test]
fn what_has_no_kernels_or_no_device_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let backend = PostprocessBackend::new(probe(LIMITS).unwrap());
        let error = |operation: &str, ordinal| {
            let parameters = [("operation", operation.to_owned())];
            let user = Signature { inputs: vec![], outputs: vec![], ..Signature::default() };
            load_on((&backend, DeviceId::Cuda(ordinal)), &parameters, user, 1).err().unwrap().0
        };
        assert_eq!(
            error("text_detection", 0),
            "the operation runs on the CPU and cannot use cuda:0: set instance_group to kind KIND_CPU; \
             those with kernels for devices are argmax, concatenate, ctc_greedy_decode, detection, \
             heatmap, nms, proposals, refine, softmax, top_k"
        );
        assert!(error("softmax", 1).starts_with("device cuda:1 is not there"));
        let gpus = |operation: &str| {
            backend.gpus(&BTreeMap::from([("operation".to_owned(), operation.to_owned())]))
        };
        assert_eq!(gpus("softmax"), [0]);
        assert_eq!(gpus("text_detection"), [0; 0]);
    });
}

/// A model of `detection` on the first device, and a request of one row for it.
fn detector(bench: &Bench<'_>, rows_max: usize, has_transform: bool) -> (Loaded, Tensors) {
    let axis: &[usize] = if rows_max > 0 { &[1] } else { &[] };
    let numbers = floats(&[axis, &[5, 1]].concat(), &[10.0, 10.0, 4.0, 4.0, 0.9]);
    let transform = floats(&[axis, &[4]].concat(), &[1.0, 1.0, 0.0, 0.0]);
    let mut inputs = vec![("PREDICTIONS", numbers)];
    inputs.extend(has_transform.then_some(("TRANSFORM", transform)));
    let spec = |(name, tensor): &(&str, Tensor)| {
        let dims = tensor.shape()[axis.len()..].iter().map(|&size| Dim::Fixed(size)).collect();
        TensorSpec::new(name, DataType::Fp32, dims)
    };
    let user = Signature {
        inputs: inputs.iter().map(spec).collect(),
        outputs: vec![],
        ..Signature::default()
    };
    let parameters = [("operation", "detection".to_owned())];
    let device = (&bench.backend, DeviceId::Cuda(0));
    (load_on(device, &parameters, user, rows_max).unwrap(), inputs)
}

#[test]
fn only_what_the_host_needs_comes_home_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let bench = Bench::new(Some(cuda));
        let home = |rows_max, has_transform| {
            let (mut model, inputs) = detector(&bench, rows_max, has_transform);
            let copies = Arc::default();
            let answers = model.run_rows(vec![(NonZeroUsize::MIN, inputs)], &copies);
            assert!(answers[0].is_ok());
            copies.get(Copy::DeviceToHost)
        };
        assert_eq!(home(4, false), 0, "lists are padded");
        assert_eq!(home(0, false), 4, "the count is a length");
        assert_eq!(home(4, true), 4, "a row's faults");
    });
}

/// With a device that works only as far as somebody waits for it.
#[test]
fn nobody_waits_between_kernels_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).set("run_when_awaited", 1).run(|cuda| {
        let bench = Bench::new(Some(cuda));
        for (rows_max, has_transform) in [(0, true), (4, false)] {
            let (mut model, inputs) = detector(&bench, rows_max, has_transform);
            let (request, answer) = model.request(NonZeroUsize::MIN, inputs);
            let copies = Arc::new(CopyCounter::default());
            let before = cuda.count("instructions");
            let running = model.instance.start(Batch::new(request, Instant::now(), copies));
            assert_eq!(cuda.count("instructions"), before, "a kernel was waited for");
            let Running::OnDevice { after, finish } = running else { panic!("it is done") };
            finish(loop {
                if let Some(ended) = after.poll() {
                    break ended;
                }
            });
            assert!(cuda.count("instructions") > before);
            assert!(answer.try_recv().unwrap().is_ok());
        }
    });
}
