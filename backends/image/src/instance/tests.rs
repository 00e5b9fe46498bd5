use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use nereid_backend::backend::{Backend, Model};
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::Kind;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Home, Response};
use nereid_backend::spec::{
    Dim, EngineOptions, InstanceId, InstanceSpec, RawSpec, Signature, TensorSpec,
};
use nereid_kernels::cpu::{ChannelOrder, Layout};
use tokio::sync::oneshot;

use super::*;
use crate::ImageBackend;
use crate::samples::{jpeg, picture};

const SLOT: InstanceSpec = InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu };

/// A model with the defaults' signature, through the front door.
fn model(parameters: &str, rows_max: usize) -> Arc<dyn Model> {
    let pairs = parameters.split(';').filter_map(|pair| pair.split_once('='));
    let parameters: BTreeMap<String, String> =
        pairs.map(|(key, value)| (key.into(), value.into())).collect();
    let mut raw = RawSpec { parameters: parameters.clone(), rows_max, ..RawSpec::default() };
    let is_batched = rows_max > 0;
    if !is_batched {
        let input = TensorSpec::new("IMAGE", DataType::Bytes, vec![Dim::Fixed(1)]);
        raw.signature.inputs.push(input);
    }
    let mut signature: Signature = ImageBackend::default().inspect(&raw).unwrap();
    for tensor in signature.inputs.iter_mut().chain(&mut signature.outputs) {
        tensor.dims.drain(..usize::from(is_batched));
    }
    let spec = ModelSpec {
        name: "prepare".into(),
        version: 1,
        file: PathBuf::new(),
        signature,
        is_batched,
        rows_max: rows_max.max(1),
        parameters,
        engine: EngineOptions::default(),
        instances: vec![SLOT],
    };
    ImageBackend::default().load(Arc::new(spec)).unwrap()
}

/// The bare instance of a small model.
fn instance() -> ImageInstance {
    let parameters = [("width", "4"), ("height", "3")];
    let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let contract = Contract {
        names: Names { image: "IMAGE".into(), boxes: "".into(), pixels: "PIXELS".into() },
        outputs: vec!["PIXELS".into()],
        has_batch_axis: true,
        pixels: PixelSpec {
            data_type: DataType::Fp32,
            order: ChannelOrder::Rgb,
            layout: Layout::Planar,
        },
        options: Options::parse(&parameters).unwrap(),
    };
    ImageInstance::new(contract, HostPool::new(0))
}

fn request(input: Tensor, rows: usize) -> (Request, oneshot::Receiver<Answer>) {
    let (home, client) = oneshot::channel();
    let rows = NonZeroUsize::new(rows).unwrap();
    let mut request = Request::new(vec![("IMAGE".into(), input)], rows, Home::Once(home));
    request.outputs = vec![RequestedOutput { name: "PIXELS".into(), place: Some(DeviceId::Cpu) }];
    (request, client)
}

fn bytes(shape: &[usize], files: &[Vec<u8>]) -> Tensor {
    Tensor::from_strings(shape.to_vec(), files).unwrap()
}

/// The answers to requests that run as one batch.
fn run(model: &Arc<dyn Model>, inputs: Vec<(Tensor, usize)>) -> Vec<Result<Tensor, InferError>> {
    let (mut requests, clients): (Vec<_>, Vec<_>) =
        inputs.into_iter().map(|(input, rows)| request(input, rows)).unzip();
    let rest = requests.split_off(1);
    let observer = Arc::new(CopyCounter::default());
    let first = requests.remove(0);
    let mut batch = Batch::new(first, Instant::now(), observer.clone());
    for request in rest {
        batch.push(request);
    }
    let running = model.spawn(SLOT).unwrap().start(batch);
    assert!(matches!(running, Running::Done));
    assert!(Copy::ALL.iter().all(|&reason| observer.get(reason) == 0));
    let pixels = |Response { outputs }: Response| {
        let (name, tensor) = outputs.into_iter().next().unwrap();
        assert_eq!(&*name, "PIXELS");
        tensor
    };
    clients.into_iter().map(|mut client| client.try_recv().unwrap().map(pixels)).collect()
}

/// Runs requests of some files each, in the batch's shape.
fn run_files(parameters: &str, requests: &[&[Vec<u8>]]) -> Vec<Result<Tensor, InferError>> {
    let input = |files: &&[Vec<u8>]| (bytes(&[files.len(), 1], files), files.len());
    run(&model(parameters, 8), requests.iter().map(input).collect())
}

/// The error of the request, as its client sees it.
fn text(answer: &Result<Tensor, InferError>) -> String {
    let error = answer.as_ref().unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArg);
    error.to_string()
}

#[test]
fn a_picture_becomes_planes() {
    let parameters = "width=20;height=10;channel_order=BGR;mean=10,20,30;scale=2,1,0.5";
    let answer = run_files(parameters, &[&[jpeg(20, 10)]]).remove(0).unwrap();
    assert_eq!(answer.shape(), [1, 3, 10, 20]);
    let got = answer.values::<f32>().unwrap();
    let original = picture(20, 10);
    for (plane, (channel, mean, scale)) in
        [(2, 10.0, 2.0), (1, 20.0, 1.0), (0, 30.0, 0.5)].into_iter().enumerate()
    {
        for pixel in 0..200 {
            let level = f32::from(original[3 * pixel + channel]);
            let off = (got[200 * plane + pixel] / scale + mean - level).abs();
            assert!(off <= 6.0, "plane {plane}, pixel {pixel} is off by {off}");
        }
    }
}

#[test]
fn lines_are_padded_on_the_right() {
    let parameters = "resize=fixed_height;height=8;width_multiple=16;width_max=64;pad_value=-7";
    let cases = [((10, 8), 10, 16), ((33, 16), 17, 32), ((16, 8), 16, 16), ((100, 4), 64, 64)];
    for ((width, height), picture, padded) in cases {
        let answer = run_files(parameters, &[&[jpeg(width, height)]]).remove(0).unwrap();
        assert_eq!(answer.shape(), [1, 3, 8, padded]);
        for row in answer.values::<f32>().unwrap().chunks_exact(padded) {
            assert!(row[..picture].iter().all(|&level| level >= 0.0));
            assert!(row[picture..].iter().all(|&level| level.to_bits() == (-7.0_f32).to_bits()));
        }
    }
}

#[test]
fn a_request_is_as_wide_as_its_widest_picture() {
    let parameters = "resize=fixed_height;height=8;width_multiple=1";
    let requests: [&[Vec<u8>]; 3] =
        [&[jpeg(10, 8), jpeg(30, 8)], &[jpeg(20, 8)], &[jpeg(5, 8), jpeg(20, 8)]];
    let answers = run_files(parameters, &requests);
    let shapes: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().shape()).collect();
    assert_eq!(shapes, [[2, 3, 8, 30], [1, 3, 8, 20], [2, 3, 8, 20]]);
    // The two of one width are one piece of memory, whatever is between them in the batch.
    let joined = answers[1].as_ref().unwrap().joined(answers[2].as_ref().unwrap()).unwrap();
    assert_eq!(joined.shape(), [3, 3, 8, 20]);
}

#[test]
fn a_bad_picture_fails_its_own_request() {
    let good = || jpeg(20, 10);
    let cut = good()[..good().len() / 2].to_vec();
    let requests: [&[Vec<u8>]; 5] = [
        &[good()],
        &[b"This is a text file".to_vec()],
        &[good(), b"GIF89a".to_vec(), good()],
        &[cut],
        &[good(), good()],
    ];
    let answers = run_files("width=4;height=3", &requests);
    assert_eq!(
        [1, 2].map(|index| text(&answers[index])),
        [
            "input 'IMAGE': not a JPEG or PNG: it begins with \"This is a text f\"…",
            "input 'IMAGE'[1]: not a JPEG or PNG: it is a GIF",
        ]
    );
    assert!(text(&answers[3]).starts_with("input 'IMAGE': the JPEG is truncated: its"));
    // Those that are left lie side by side, and are what they are alone.
    let (one, two) = (answers[0].as_ref().unwrap(), answers[4].as_ref().unwrap());
    assert_eq!(one.joined(two).unwrap().shape(), [3, 3, 3, 4]);
    let alone = run_files("width=4;height=3", &[&[good()]]).remove(0).unwrap();
    assert_eq!(one.host(), alone.host());
    assert_eq!(two.rows(1..2).unwrap().host(), alone.host());
}

/// Its header is good, so the failure comes when rows are already being written.
#[test]
fn a_picture_that_breaks_late_leaves_no_gap() {
    let mut broken = jpeg(20, 10);
    let scan = broken.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    broken.truncate(scan + 14);
    broken.extend(b"\xFF\x00".repeat(20)); // No code is all ones.
    broken.extend(b"\xFF\xD9");
    let requests: [&[Vec<u8>]; 3] = [&[jpeg(20, 10)], &[jpeg(20, 10), broken], &[jpeg(20, 10)]];
    let answers = run_files("width=4;height=3", &requests);
    assert!(text(&answers[1]).starts_with("input 'IMAGE'[1]: the JPEG cannot be decoded: "));
    let (one, two) = (answers[0].as_ref().unwrap(), answers[2].as_ref().unwrap());
    assert_eq!(one.joined(two).unwrap().shape(), [2, 3, 3, 4]);
    assert_eq!(one.host(), two.host());
}

#[test]
fn limits_are_told() {
    let answers = run_files("width=4;height=3;pixels_max=199", &[&[jpeg(20, 10)]]);
    let expected = "input 'IMAGE': the image has 20 x 10 pixels, more than the 199 that the \
                    model's parameter 'pixels_max' allows";
    assert_eq!(text(&answers[0]), expected);
    let two: &[Vec<u8>] = &[jpeg(1, 1), jpeg(1, 1)];
    let answers = run_files("width=8192;height=8192", &[two]);
    let expected = "2 images make an output of 134217728 pixels, more than the 67108864";
    assert!(text(&answers[0]).contains(expected));
}

#[test]
fn rows_of_bytes_are_files() {
    let model = model("width=4;height=3", 8);
    let file = jpeg(20, 10);
    let (length, two) = (file.len(), [file.clone(), file].concat());
    let inputs = vec![
        (Tensor::from_values(vec![1, length], two[..length].to_vec()).unwrap(), 1),
        (Tensor::from_values(vec![2, length], two).unwrap(), 2),
        (Tensor::from_values(vec![1, 0], Vec::<u8>::new()).unwrap(), 1),
    ];
    let answers = run(&model, inputs);
    assert_eq!(answers[0].as_ref().unwrap().shape(), [1, 3, 3, 4]);
    assert_eq!(answers[1].as_ref().unwrap().shape(), [2, 3, 3, 4]);
    assert_eq!(text(&answers[2]), "input 'IMAGE': not a JPEG or PNG: it is empty");
}

#[test]
fn without_a_batch_axis_a_request_is_one_picture() {
    let model = model("width=4;height=3", 0);
    let answer = run(&model, vec![(bytes(&[1], &[jpeg(20, 10)]), 1)]).remove(0).unwrap();
    assert_eq!(answer.shape(), [3, 3, 4]);
}

#[test]
fn a_request_that_nobody_waits_for_is_not_decoded() {
    let (request, client) = request(bytes(&[1, 1], &[jpeg(20, 10)]), 1);
    drop(client);
    let mut instance = instance();
    let answers = instance.run(&[request]);
    assert!(matches!(answers[..], [Err(InferError::Cancelled(_))]));
    assert_eq!(instance.workspace.kept_bytes(), 0);
}

#[test]
fn memory_of_a_huge_picture_is_given_back() {
    // More than the limit once it is decoded, though its file is small.
    let (width, height) = (8000_u16, 5000_u16);
    let mut huge = Vec::new();
    let white = vec![255; usize::from(width) * usize::from(height)];
    let encoder = jpeg_encoder::Encoder::new(&mut huge, 50);
    encoder.encode(&white, width, height, jpeg_encoder::ColorType::Luma).unwrap();
    let mut instance = instance();
    for (file, is_kept) in [(jpeg(20, 10), true), (huge, false)] {
        let (request, _client) = request(bytes(&[1, 1], &[file]), 1);
        assert!(instance.run(&[request])[0].is_ok());
        assert_eq!(instance.workspace.kept_bytes() > 0, is_kept);
    }
}

#[test]
fn a_gpu_that_is_not_there_is_refused() {
    let slot = InstanceSpec { device: DeviceId::Cuda(0), ..SLOT };
    let refused = model("width=4;height=3", 8).spawn(slot).err().unwrap().to_string();
    assert!(refused.starts_with("device cuda:0 is not there: no CUDA: "), "{refused}");
}
