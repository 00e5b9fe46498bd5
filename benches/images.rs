//! What the image backend does with a picture, and its kernels: `make bench-micro`.
//!
//! The figures are for comparing two states of the code on one quiet machine, not for fame, and
//! no test depends on them.
#![allow(missing_docs, clippy::expect_used)] // A bench is a test that nobody imports.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use divan::{Bencher, black_box};
use nereid::statistics::Statistics;
use nereid_backend::backend::{Backend, Instance};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::{DataType, Element};
use nereid_backend::device::DeviceId;
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Home, Request};
use nereid_backend::spec::{Dim, InstanceId, InstanceSpec, ModelSpec, Signature, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_backend_image::ImageBackend;
use nereid_kernels::cpu::{Filter, Frame, Image, Level, PixelFormat, Rendering, render};
use tokio::sync::oneshot;

mod jpeg;

use jpeg::jpeg;

fn main() {
    divan::main();
}

const HD: (u16, u16) = (1280, 720);
const FULL_HD: (usize, usize) = (1920, 1080);

/// An instance that makes 3x1080x1920 of a file.
fn instance(data_type: DataType) -> Box<dyn Instance> {
    let parameters = [("width", "1920"), ("height", "1080"), ("mean", "127.5"), ("scale", "0.01")];
    let pixels = [3, FULL_HD.1, FULL_HD.0].map(Dim::Fixed).to_vec();
    let slot = InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu };
    let spec = ModelSpec {
        name: "prepare".into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature {
            inputs: vec![TensorSpec::new("IMAGE", DataType::Bytes, vec![Dim::Fixed(1)])],
            outputs: vec![TensorSpec::new("PIXELS", data_type, pixels)],
            ..Signature::default()
        },
        is_batched: true,
        rows_max: 1,
        parameters: BTreeMap::from(parameters.map(|(key, value)| (key.into(), value.into()))),
        engine: nereid_backend::spec::EngineOptions::default(),
        instances: vec![slot],
    };
    let model = ImageBackend::default().load(Arc::new(spec)).expect("a good configuration");
    model.spawn(slot).expect("a CPU")
}

/// A JPEG of 1280x720 to 3x1080x1920: decode, resize, normalise, answer.
#[divan::bench(types = [f32, f64])]
fn prepare<T: Element>(bencher: Bencher<'_, '_>) {
    let mut instance = instance(T::DATA_TYPE);
    let input = Tensor::from_strings(vec![1, 1], &[jpeg(HD)]).expect("one file");
    let statistics = Arc::new(Statistics::default());
    bencher.bench_local(|| {
        let (home, mut client) = oneshot::channel();
        let inputs = vec![("IMAGE".into(), input.clone())];
        let mut request = Request::new(inputs, NonZeroUsize::MIN, Home::Once(home));
        request.outputs =
            vec![RequestedOutput { name: "PIXELS".into(), place: Some(DeviceId::Cpu) }];
        instance.start(Batch::new(request, Instant::now(), statistics.clone()));
        client.try_recv().expect("an answer").expect("a tensor")
    });
}

/// A decoded picture in a frame, into memory that is warm.
fn resize<T: Level + Default>(
    bencher: Bencher<'_, '_>,
    (from, to): ((usize, usize), (usize, usize)),
    filter: Filter,
) {
    let bytes: Vec<u8> = (0..3 * from.0 * from.1).map(|index| index.to_le_bytes()[0]).collect();
    let image = Image::new(&bytes, PixelFormat::Rgb, from).expect("as many as the sides say");
    let mut out = vec![T::default(); 3 * to.0 * to.1];
    let rendering =
        Rendering { filter, mean: [127.5; 3], scale: [1.0 / 127.5; 3], ..Rendering::default() };
    bencher.bench_local(|| render(black_box(&image), &Frame::full(to), &rendering, &mut out));
}

/// 1920x1080 to a model's input.
#[divan::bench(args = [224, 640])]
fn resize_down(bencher: Bencher<'_, '_>, side: usize) {
    resize::<f32>(bencher, ((1920, 1080), (side, side)), Filter::Bilinear);
}

#[divan::bench(args = [224, 640])]
fn resize_down_antialiased(bencher: Bencher<'_, '_>, side: usize) {
    resize::<f32>(bencher, ((1920, 1080), (side, side)), Filter::Triangle);
}

/// 1280x720 to 1920x1080.
#[divan::bench(types = [u8, half::f16, f32, f64])]
fn resize_up<T: Level + Default>(bencher: Bencher<'_, '_>) {
    resize::<T>(bencher, ((1280, 720), (1920, 1080)), Filter::Bilinear);
}
