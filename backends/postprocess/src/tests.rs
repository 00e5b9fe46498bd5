//! What holds for every operation: answers fit the signature, whatever is sent, and a bad request
//! fails alone.

mod devices;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nereid_backend::backend::Running;
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{Dim, EngineOptions, InstanceId, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_kernels::device::Absence;
use proptest::prelude::*;

use super::*;

/// A model and its signature, which has the batch axis if the model batches.
struct Loaded {
    signature: Signature,
    instance: Box<dyn Instance>,
}

fn load(parameters: &[(&str, &str)], inputs: &[(&str, &[i64])], rows_max: usize) -> Loaded {
    let spec = |&(name, dims): &(&str, &[i64])| {
        let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
        TensorSpec::new(name, DataType::Fp32, dims)
    };
    let parameters: Vec<_> =
        parameters.iter().map(|&(key, value)| (key, value.to_owned())).collect();
    let user = Signature {
        inputs: inputs.iter().map(spec).collect(),
        outputs: vec![],
        ..Signature::default()
    };
    let backend = PostprocessBackend::new(Devices::absent(Absence::NoDevice));
    load_on((&backend, DeviceId::Cpu), &parameters, user, rows_max).unwrap()
}

/// An instance on a device.
fn load_on(
    (backend, device): (&PostprocessBackend, DeviceId),
    parameters: &[(&str, String)],
    user: Signature,
    rows_max: usize,
) -> Result<Loaded, LoadError> {
    let parameters: BTreeMap<String, String> =
        parameters.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
    let raw =
        RawSpec { file: PathBuf::new(), signature: user, rows_max, parameters: parameters.clone() };
    let signature = backend.inspect(&raw)?;
    let row = |tensor: &TensorSpec| {
        let dims = tensor.dims[usize::from(rows_max > 0)..].to_vec();
        TensorSpec { dims, ..tensor.clone() }
    };
    let spec = InstanceSpec { id: InstanceId(0), device };
    let model = backend.load(Arc::new(ModelSpec {
        name: "m".into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature {
            inputs: signature.inputs.iter().map(row).collect(),
            outputs: signature.outputs.iter().map(row).collect(),
            ..Signature::default()
        },
        is_batched: rows_max > 0,
        rows_max: rows_max.max(1),
        parameters,
        engine: EngineOptions::default(),
        instances: vec![spec],
    }))?;
    Ok(Loaded { signature, instance: model.spawn(spec)? })
}

impl Loaded {
    /// The answers to requests of one row each, which run as one batch.
    fn run(&mut self, requests: Vec<Vec<(&str, Tensor)>>) -> Vec<Answer> {
        let requests = requests.into_iter().map(|inputs| (NonZeroUsize::MIN, inputs)).collect();
        self.run_rows(requests, &Arc::default())
    }

    /// The answers to requests of so many rows, which run as one batch.
    fn run_rows(
        &mut self,
        requests: Vec<(NonZeroUsize, Vec<(&str, Tensor)>)>,
        copies: &Arc<CopyCounter>,
    ) -> Vec<Answer> {
        let (mut requests, answers): (Vec<_>, Vec<_>) =
            requests.into_iter().map(|(rows, inputs)| self.request(rows, inputs)).unzip();
        let copies = copies.clone();
        let mut batch = Batch::new(requests.remove(0), Instant::now(), copies);
        for request in requests {
            batch.push(request);
        }
        if let Running::OnDevice { after, finish } = self.instance.start(batch) {
            finish(loop {
                if let Some(ended) = after.poll() {
                    break ended;
                }
                std::thread::yield_now();
            });
        }
        answers.into_iter().map(|answer| answer.try_recv().unwrap()).collect()
    }

    fn request(
        &self,
        rows: NonZeroUsize,
        inputs: Vec<(&str, Tensor)>,
    ) -> (Request, Receiver<Answer>) {
        let (home, answer) = channel();
        let then = Home::Then(Box::new(move |answer, _| home.send(answer).unwrap()));
        let inputs = inputs.into_iter().map(|(name, tensor)| (name.into(), tensor)).collect();
        let mut request = Request::new(inputs, rows, then);
        let wanted = |output: &TensorSpec| RequestedOutput {
            name: output.name.clone(),
            place: Some(DeviceId::Cpu),
        };
        request.outputs = self.signature.outputs.iter().map(wanted).collect();
        (request, answer)
    }

    /// Whether types and shapes of an answer are those that were told.
    fn fits(&self, answer: &Answer) -> bool {
        let outputs = match answer {
            Err(error) => return matches!(error, InferError::Invalid(_)),
            Ok(response) => response.outputs.iter().map(|(_, tensor)| tensor),
        };
        outputs.zip(&self.signature.outputs).all(|(tensor, spec)| {
            let mut sizes = spec.dims.iter().zip(tensor.shape());
            tensor.data_type() == spec.data_type
                && tensor.shape().len() == spec.dims.len()
                && sizes.all(|(dim, &size)| dim.admits(size))
        })
    }
}

fn floats(shape: &[usize], numbers: &[f32]) -> Tensor {
    let count = shape.iter().product();
    let numbers = numbers.iter().copied().cycle().take(count).collect();
    Tensor::from_values(shape.to_vec(), numbers).unwrap()
}

#[test]
fn a_bad_row_fails_its_own_request() {
    let inputs: [(&str, &[i64]); 2] = [("PREDICTIONS", &[5, -1]), ("TRANSFORM", &[4])];
    let mut model = load(&[("operation", "detection"), ("detections_max", "3")], &inputs, 8);
    let request = |scale: f32| {
        vec![
            ("PREDICTIONS", floats(&[1, 5, 1], &[10.0, 10.0, 4.0, 4.0, 0.9])),
            ("TRANSFORM", floats(&[1, 4], &[scale, scale, 0.0, 0.0])),
        ]
    };
    let answers = model.run(vec![request(1.0), request(0.0), request(2.0), request(f32::NAN)]);
    let boxes = answers.iter().map(|answer| {
        let (_, boxes) = &answer.as_ref().ok()?.outputs[0];
        Some((boxes.shape().to_vec(), boxes.values::<f32>().unwrap()[..4].to_vec()))
    });
    let found = |corners: [f32; 4]| Some((vec![1, 3, 4], corners.to_vec()));
    let expected = [found([8.0, 8.0, 12.0, 12.0]), None, found([4.0, 4.0, 6.0, 6.0]), None];
    assert_eq!(boxes.collect::<Vec<_>>(), expected);
    assert!(answers.iter().all(|answer| model.fits(answer)));
}

#[test]
fn refine_corrects_boxes_before_or_after_suppression() {
    let inputs: [(&str, &[i64]); 3] =
        [("BOXES", &[-1, 4]), ("PROBABILITIES", &[-1, 2]), ("CORRECTIONS", &[-1, 4])];
    let boxes = |correct, square| {
        let parameters = [("operation", "refine"), ("correct", correct), ("square", square)];
        let mut model = load(&parameters, &inputs, 0);
        let answers = model.run(vec![vec![
            ("BOXES", floats(&[2, 4], &[0.0, 0.0, 10.0, 10.0])),
            ("PROBABILITIES", floats(&[2, 2], &[0.1, 0.9, 0.2, 0.8])),
            ("CORRECTIONS", floats(&[2, 4], &[0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 3.0, 0.0])),
        ]]);
        let (_, boxes) = &answers[0].as_ref().unwrap().outputs[0];
        boxes.values::<f32>().unwrap().to_vec()
    };
    let first = [0.0, 0.0, 10.0, 10.0];
    assert_eq!(boxes("after", "0"), first);
    let second = [20.0, 0.0, 40.0, 10.0];
    assert_eq!(boxes("before", "0"), [first, second].concat());
    let square = [20.0, -5.0, 40.0, 15.0];
    assert_eq!(boxes("before", "1"), [first, square].concat());
}

/// Operations with their inputs' names and ranks.
const OPERATIONS: [(&str, &[(&str, usize)]); 10] = [
    ("argmax", &[("INPUT", 2)]),
    ("top_k", &[("INPUT", 3)]),
    ("softmax", &[("INPUT", 2)]),
    ("detection", &[("PREDICTIONS", 2)]),
    ("nms", &[("BOXES", 2), ("SCORES", 1)]),
    ("proposals", &[("PROBABILITIES", 3), ("CORRECTIONS", 3)]),
    ("refine", &[("BOXES", 2), ("PROBABILITIES", 2), ("CORRECTIONS", 2)]),
    ("heatmap", &[("HEATMAPS", 3)]),
    ("text_detection", &[("MAP", 3)]),
    ("concatenate", &[("A", 2), ("B", 2)]),
];

fn number() -> impl Strategy<Value = f32> {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0];
    prop_oneof![4 => -1.0_f32..2.0, 1 => prop::sample::select(odd.to_vec())]
}

proptest! {
    #[test]
    fn every_answer_fits_the_signature(
        which in 0..OPERATIONS.len(),
        rows_max in 0_usize..2,
        sizes in prop::collection::vec(0_usize..7, 8),
        numbers in prop::collection::vec(number(), 1..200),
    ) {
        let (operation, inputs) = OPERATIONS[which];
        let dims = [-1; 3];
        let written: Vec<_> = inputs.iter().map(|&(name, rank)| (name, &dims[..rank])).collect();
        let mut model = load(&[("operation", operation)], &written, rows_max);
        let mut sizes = sizes.into_iter();
        let tensor = |&(name, rank): &(&'static str, usize)| {
            let mut shape = vec![1; rows_max];
            shape.extend(sizes.by_ref().take(rank));
            match name {
                "BOXES" => shape[rows_max + 1] = 4,
                "CORRECTIONS" => shape[rows_max + rank - 1] = 4,
                "MAP" => shape[rows_max] = 1,
                _ => {}
            }
            (name, floats(&shape, &numbers))
        };
        let request: Vec<_> = inputs.iter().map(tensor).collect();
        let told = format!("{operation} of {request:?}");
        let answers = model.run(vec![request]);
        prop_assert!(model.fits(&answers[0]), "{told}: {:?}", answers[0]);
    }
}
