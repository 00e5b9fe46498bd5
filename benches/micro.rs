//! What every request passes through, one piece at a time: `make bench-micro`.
//!
//! The figures are for comparing two states of the code on one quiet machine, not for fame, and
//! no test depends on them.
#![allow(missing_docs, clippy::expect_used)] // A bench is a test that nobody imports.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use divan::{Bencher, black_box};
use nereid::dynamic_batcher::DynamicBatcher;
use nereid::park::SystemPark;
use nereid::queue::{Next, Queue};
use nereid::scheduler::{Decision, Scheduler};
use nereid::statistics::Statistics;
use nereid_backend::batch::Batch;
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::InstanceId;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{
    Activation, BoxFormat, BoxShape, Decoding, Dilation, Objectness, Overlap, PlaceAxis, Scope,
    Suppression, TextRegions, suppress,
};
use nereid_model_repository::definition::Batching;
use nereid_proto::grpc;
use nereid_proto::http::{InferResponse, decode, encode};
use nereid_proto::inference::ModelInferRequest;
use nereid_proto::inference::model_infer_request::InferInputTensor;
use prost::Message as _;
use tokio::sync::oneshot;

fn main() {
    divan::main();
}

/// An FP32 tensor of one row.
fn floats(elements: usize) -> Tensor {
    let values = (0..elements).map(|index| f32::from(u16::try_from(index % 1_000).unwrap_or(0)));
    Tensor::from_values(vec![1, elements], values.map(|value| value / 7.0).collect())
        .expect("as many as the shape says")
}

fn json_request(elements: usize) -> Bytes {
    let data: Vec<_> = (0..elements).map(|index| (index % 1_000).to_string()).collect();
    let data = data.join(",");
    let input = format!(
        "{{\"name\":\"x\",\"shape\":[1,{elements}],\"datatype\":\"FP32\",\"data\":[{data}]}}"
    );
    format!("{{\"inputs\":[{input}]}}").into()
}

#[divan::bench(args = [16, 4_096])]
fn decode_json(bencher: Bencher<'_, '_>, elements: usize) {
    let body = json_request(elements);
    bencher.bench(|| decode(black_box(&body), None, "m"));
}

#[divan::bench(args = [16, 4_096])]
fn encode_json(bencher: Bencher<'_, '_>, elements: usize) {
    let outputs = [("y".into(), floats(elements), false)];
    bencher.bench(|| {
        encode(&InferResponse {
            id: "",
            model: "m",
            version: 1,
            outputs: black_box(&outputs),
            placed: &[],
        })
    });
}

#[divan::bench]
fn decode_binary_602_kb(bencher: Bencher<'_, '_>) {
    let header = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,3,224,224],\"datatype\":\"FP32\",\
                  \"parameters\":{\"binary_data_size\":602112}}]}";
    let mut body = header.as_bytes().to_vec();
    body.resize(header.len() + 602_112, 0);
    let body = Bytes::from(body);
    bencher.bench(|| decode(black_box(&body), Some(header.len()), "m"));
}

/// A message of gRPC with `elements` numbers, to what admission reads.
#[divan::bench(args = [16, 150_528])]
fn decode_grpc(bencher: Bencher<'_, '_>, elements: usize) {
    let input = InferInputTensor {
        name: "x".to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![1, i64::try_from(elements).expect("it is small")],
        ..InferInputTensor::default()
    };
    let message = ModelInferRequest {
        model_name: "m".to_owned(),
        inputs: vec![input],
        raw_input_contents: vec![vec![0; 4 * elements].into()],
        ..ModelInferRequest::default()
    };
    let message = Bytes::from(message.encode_to_vec());
    bencher.bench(|| {
        let message = ModelInferRequest::decode(black_box(message.clone()));
        grpc::decode(message.expect("it was encoded"))
    });
}

#[divan::bench(args = [16, 150_528])]
fn encode_grpc(bencher: Bencher<'_, '_>, elements: usize) {
    let outputs = vec![("y".into(), floats(elements))];
    bencher.bench(|| {
        grpc::encode("", "m", 1, black_box(&outputs), &[]).map(|made| made.encode_to_vec())
    });
}

fn request(input: Tensor) -> (Request, oneshot::Receiver<Answer>) {
    let (home, client) = oneshot::channel();
    let request = Request::new(vec![("x".into(), input)], NonZeroUsize::MIN, Home::Once(home));
    (request, client)
}

/// A request into the queue's scheduler and, as a batch of one, out again.
#[divan::bench]
fn schedule(bencher: Bencher<'_, '_>) {
    let policy = Batching { rows_max: 8, ..Batching::default() };
    let statistics = Arc::new(Statistics::default());
    let mut batcher = DynamicBatcher::new(policy, 1, statistics);
    let (now, who) = (Instant::now(), InstanceId(0));
    bencher.with_inputs(|| request(floats(16))).bench_local_values(|(request, client)| {
        let _pushed = batcher.push(request, now);
        if let Decision::Run(batch, _) = batcher.poll(who, now) {
            let _woken = batcher.done(who, now);
            batch.respond_rows(Ok(Vec::new()));
        }
        client
    });
}

/// The same through the queue, with its lock and its wake-up of a thread that does not sleep.
#[divan::bench]
fn queue(bencher: Bencher<'_, '_>) {
    let policy = Batching { rows_max: 8, ..Batching::default() };
    let statistics = Arc::new(Statistics::default());
    let batcher = DynamicBatcher::new(policy, 1, statistics.clone());
    let parks = vec![SystemPark::default()];
    let (queue, who) =
        (Queue::new("m".into(), statistics, Box::new(batcher), parks), InstanceId(0));
    bencher.with_inputs(|| request(floats(16))).bench_local_values(|(request, client)| {
        let pushed = queue.push(request);
        if let Next::Run(batch) = queue.next(who) {
            batch.respond_rows(Ok(Vec::new()));
            queue.done(who);
        }
        (pushed.is_ok(), client)
    });
}

/// Eight requests of 602 KB become one batch.
#[divan::bench]
fn gather_8_images(bencher: Bencher<'_, '_>) {
    let statistics = Arc::new(Statistics::default());
    let (requests, _clients): (Vec<_>, Vec<_>) =
        (0..8).map(|_| request(floats(3 * 224 * 224))).unzip();
    let mut requests = requests.into_iter();
    let first = requests.next().expect("eight");
    let mut batch = Batch::new(first, Instant::now(), statistics);
    requests.for_each(|request| batch.push(request));
    bencher.bench_local(|| batch.gather(black_box("x")));
}

/// The detections in the output of a detector of 80 classes at 640x640, of which one place in a
/// hundred is a candidate.
#[divan::bench(args = [PlaceAxis::Last, PlaceAxis::First])]
fn detection_8400x84(bencher: Bencher<'_, '_>, place_axis: PlaceAxis) {
    const PLACES: u16 = 8_400;
    const NUMBERS: u16 = 84;
    let number = |place: u16, number: u16| match number {
        0 => f32::from(place % 80) * 8.0,
        1 => f32::from(place / 80) * 6.0,
        2 | 3 => 40.0,
        _ if place.is_multiple_of(100) && number == 4 + place % 80 => {
            0.5 + f32::from(place) / 20_000.0
        }
        _ => f32::from((place ^ number) % 97) / 1_000.0,
    };
    let (shape, numbers): (_, Vec<_>) = match place_axis {
        PlaceAxis::First => {
            let numbers = (0..PLACES).flat_map(|at| (0..NUMBERS).map(move |no| number(at, no)));
            ([usize::from(PLACES), usize::from(NUMBERS)], numbers.collect())
        }
        PlaceAxis::Last => {
            let numbers = (0..NUMBERS).flat_map(|no| (0..PLACES).map(move |at| number(at, no)));
            ([usize::from(NUMBERS), usize::from(PLACES)], numbers.collect())
        }
    };
    let decoding = Decoding {
        place_axis,
        box_format: BoxFormat::CentreSize,
        objectness: Objectness::Absent,
        activation: Activation::None,
        classes: None,
        score_threshold: 0.25,
        coordinate_scale: [1.0; 2],
    };
    let suppression = Suppression {
        iou_threshold: 0.45,
        overlap: Overlap::Union,
        scope: Scope::Class,
        candidates_max: 4_096,
        detections_max: 300,
    };
    bencher.bench_local(|| suppress(decoding.candidates(black_box(&numbers), shape), &suppression));
}

/// A page of forty lines of text, each a little turned.
#[divan::bench]
fn text_detection_736x736(bencher: Bencher<'_, '_>) {
    const SIDE: u16 = 736;
    let pixels = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let is_text = |(x, y): (u16, u16)| (y + x / 40) % 36 < 16 && x % 368 > 24;
    let map: Vec<_> = pixels.map(|place| if is_text(place) { 0.9 } else { 0.05 }).collect();
    let regions = TextRegions {
        threshold: 0.3,
        dilation: Dilation::None,
        shape: BoxShape::Turned,
        box_threshold: 0.6,
        unclip_ratio: 1.5,
        side_min: 3.0,
        regions_max: 1_000,
    };
    let size = (usize::from(SIDE), usize::from(SIDE));
    bencher.bench_local(|| regions.find(black_box(&map), size));
}
