//! How many JPEGs a second the image backend prepares on a device: 1280x720 to 3x1080x1920 FP32. A line
//! for each way, with tabs between its name, pictures a second, and milliseconds a batch from its start to
//! its end. With two batches in flight the second is decoded and uploaded while the first is drawn: what
//! they gain over one is the overlap.
//!
//! `pictures small` is for the software CUDA device, whose times mean nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_precision_loss)]

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::backend::{Backend, Completion, Finish, Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{
    Dim, EngineOptions, InstanceId, InstanceSpec, ModelSpec, Signature, TensorSpec,
};
use nereid_backend::tensor::Tensor;
use nereid_backend_image::ImageBackend;
use nereid_kernels::device::{Limits, probe};
use tokio::sync::oneshot;

mod jpeg;

use jpeg::jpeg;

struct Bench {
    backend: ImageBackend,
    size: (u16, u16),
    canvas: (usize, usize),
    batches: usize,
}

/// What was started, and when.
struct InFlight {
    start: Instant,
    after: Box<dyn Completion>,
    finish: Finish,
    clients: Vec<oneshot::Receiver<Answer>>,
}

fn main() {
    let is_small = std::env::args().any(|argument| argument == "small");
    let limits = Limits { memory_bytes: None, pinned_bytes: 256 << 20 };
    let backend = ImageBackend::new(probe(limits).unwrap());
    let bench = if is_small {
        Bench { backend, size: (32, 18), canvas: (48, 27), batches: 2 }
    } else {
        Bench { backend, size: (1280, 720), canvas: (1920, 1080), batches: 100 }
    };
    for decoder in ["cpu", "nvjpeg"] {
        for rows in [1, 8] {
            for in_flight in [1, 2] {
                bench.run(decoder, rows, in_flight);
            }
        }
    }
}

impl Bench {
    fn run(&self, decoder: &str, rows: usize, in_flight_max: usize) {
        let mut instance = match self.instance(decoder, rows) {
            Ok(instance) => instance,
            Err(reason) => return eprintln!("decoder {decoder}: {reason}"),
        };
        let file = jpeg(self.size);
        let mut in_flight = VecDeque::new();
        let mut spent = Duration::ZERO;
        in_flight.push_back(start(&mut *instance, &file, rows));
        end(&mut in_flight); // Kernels are loaded, and memory is there.
        let begun = Instant::now();
        for _ in 0..self.batches {
            if in_flight.len() == in_flight_max {
                spent += end(&mut in_flight);
            }
            in_flight.push_back(start(&mut *instance, &file, rows));
        }
        while !in_flight.is_empty() {
            spent += end(&mut in_flight);
        }
        let speed = (self.batches * rows) as f64 / begun.elapsed().as_secs_f64();
        let milliseconds = 1e3 * spent.as_secs_f64() / self.batches as f64;
        println!(
            "decoder {decoder}, batches of {rows}, {in_flight_max} in flight\t{speed:.0}\t{milliseconds:.2}"
        );
    }

    /// Or why there is none, such as that there is no nvJPEG.
    fn instance(&self, decoder: &str, rows_max: usize) -> Result<Box<dyn Instance>, String> {
        let (width, height) = (self.canvas.0.to_string(), self.canvas.1.to_string());
        let parameters = [
            ("decoder", decoder),
            ("width", &width),
            ("height", &height),
            ("mean", "127.5"),
            ("scale", "0.01"),
        ];
        let dims = [3, self.canvas.1, self.canvas.0].map(Dim::Fixed).to_vec();
        let slot = InstanceSpec { id: InstanceId(0), device: DeviceId::Cuda(0) };
        let spec = ModelSpec {
            name: "prepare".into(),
            version: 1,
            file: PathBuf::new(),
            signature: Signature {
                inputs: vec![TensorSpec::new("IMAGE", DataType::Bytes, vec![Dim::Fixed(1)])],
                outputs: vec![TensorSpec::new("PIXELS", DataType::Fp32, dims)],
                ..Signature::default()
            },
            is_batched: true,
            rows_max,
            parameters: BTreeMap::from(parameters.map(|(key, value)| (key.into(), value.into()))),
            engine: EngineOptions::default(),
            instances: vec![slot],
        };
        let model = self.backend.load(Arc::new(spec)).map_err(|error| error.to_string())?;
        model.spawn(slot).map_err(|error| error.to_string())
    }
}

/// A batch of requests for one picture each; their outputs stay on the device.
fn start(instance: &mut dyn Instance, file: &[u8], rows: usize) -> InFlight {
    let start = Instant::now();
    let mut clients = Vec::with_capacity(rows);
    let mut request = || {
        let (home, client) = oneshot::channel();
        clients.push(client);
        let inputs = vec![("IMAGE".into(), Tensor::from_strings(vec![1, 1], &[file]).unwrap())];
        let mut request = Request::new(inputs, NonZeroUsize::MIN, Home::Once(home));
        request.outputs = vec![RequestedOutput { name: "PIXELS".into(), place: None }];
        request
    };
    let mut batch = Batch::new(request(), start, Arc::new(CopyCounter::default()));
    (1..rows).for_each(|_| batch.push(request()));
    let Running::OnDevice { after, finish } = instance.start(batch) else {
        panic!("it ended at once: {:?}", clients.remove(0).try_recv())
    };
    InFlight { start, after, finish, clients }
}

/// Waits for the first of what is in flight; how long it took.
fn end(in_flight: &mut VecDeque<InFlight>) -> Duration {
    let Some(InFlight { start, after, finish, clients }) = in_flight.pop_front() else {
        return Duration::ZERO;
    };
    let ended = loop {
        match after.poll() {
            Some(ended) => break ended,
            None => std::hint::spin_loop(),
        }
    };
    let spent = start.elapsed();
    finish(ended);
    for mut client in clients {
        client.try_recv().unwrap().unwrap();
    }
    spent
}
