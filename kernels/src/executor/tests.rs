//! Batches on the software CUDA device.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nereid_backend::data_type::DataType;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::{EngineOptions, ModelSpec, Signature, Urgency};
use nereid_backend::tensor::Tensor;
use nereid_conformance::Driver;
use nereid_softcuda_harness::SoftCuda;

use super::*;
use crate::device::{Absence, DeviceBuffer, Limits, Source, device_to_host, host_to_device, probe};

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

fn executor(executors: &Executors, ordinal: u32) -> Executor {
    executors.open(DeviceId::Cuda(ordinal), &Tenant::new("test")).unwrap()
}

fn on_host(values: &[u8]) -> Tensor {
    Tensor::from_values(vec![values.len() / 2, 2], values.to_vec()).unwrap()
}

fn on_device(executor: &Executor, values: &[u8]) -> Tensor {
    let mut to = executor.stream().allocate(values.len()).unwrap();
    host_to_device(&mut to, 0, Source::Pageable(values), &CopyCounter::default()).unwrap();
    executor.tensor(DataType::Uint8, vec![values.len() / 2, 2], to).unwrap()
}

fn bytes_of(executor: &Executor, tensor: &Tensor) -> Vec<u8> {
    let (buffer, range) = DeviceBuffer::of(tensor).unwrap();
    let copies = CopyCounter::default();
    let download = device_to_host(buffer, &range, executor.stream(), &copies).unwrap();
    download.bytes().unwrap().to_vec()
}

#[test]
fn rows_come_together_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let executors = Executors::new(probe(LIMITS).unwrap());
        let (here, there) = (executor(&executors, 0), executor(&executors, 1));
        // Written by another stream than the one that reads it.
        let near = on_device(&executor(&executors, 0), &[10, 11, 12, 13, 14, 15]);
        let far = on_device(&there, &[20, 21, 22, 23]);
        let host = on_host(&[30, 31]);
        let row = |tensor: &Tensor, row| tensor.rows(row..row + 1).unwrap();
        let (a, b, c) = (row(&near, 0), row(&near, 1), row(&near, 2));
        let copied = [Copy::HostToDevice, Copy::DeviceToDevice, Copy::Gather];
        let check = |rows: &[&Tensor], expected: &[u8], counts: [u64; 3]| {
            let copies = CopyCounter::default();
            let counters = || ["h2d_bytes", "d2d_bytes", "peer_bytes"].map(|name| cuda.count(name));
            let before = counters();
            let whole = here.together(rows[0], &rows[1..], &copies).unwrap();
            here.stream().synchronize().unwrap();
            assert_eq!(copied.map(|copy| copies.get(copy)), counts, "{rows:?}");
            let after = counters();
            assert_eq!([after[0] - before[0], after[2] - before[2]], [counts[0], counts[1]]);
            assert_eq!(after[1], before[1], "a copy within the device");
            assert_eq!(
                (whole.shape(), whole.device()),
                (&[expected.len() / 2, 2][..], here.device())
            );
            assert_eq!(bytes_of(&here, &whole), expected, "{rows:?}");
            whole
        };
        let whole = check(&[&near], &[10, 11, 12, 13, 14, 15], [0, 0, 0]);
        assert!(std::ptr::eq(
            DeviceBuffer::of(&whole).unwrap().0,
            DeviceBuffer::of(&near).unwrap().0
        ));
        check(&[&a, &b], &[10, 11, 12, 13], [0, 0, 0]);
        check(&[&c, &a], &[14, 15, 10, 11], [0, 0, 4]);
        check(&[&host], &[30, 31], [2, 0, 0]);
        check(&[&host, &host], &[30, 31, 30, 31], [4, 0, 0]);
        check(&[&far], &[20, 21, 22, 23], [0, 4, 0]);
        let mixed = [&host, &b, &c, &far, &host, &a];
        let bytes = [30, 31, 12, 13, 14, 15, 20, 21, 22, 23, 30, 31, 10, 11];
        check(&mixed, &bytes, [4, 4, 6]);
    });
}

#[test]
fn what_is_no_tensor_of_a_device_is_refused_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let here = executor(&Executors::new(probe(LIMITS).unwrap()), 0);
        let copies = CopyCounter::default();
        let strings = Tensor::from_strings(vec![1], &["a"]).unwrap();
        let wide = Tensor::from_values(vec![1, 3], vec![1_u8, 2, 3]).unwrap();
        let narrow = on_host(&[1, 2]);
        let text =
            |first, rest: &[&Tensor]| here.together(first, rest, &copies).unwrap_err().to_string();
        assert!(text(&strings, &[]).ends_with("BYTES tensors cannot live on a device"));
        assert!(text(&narrow, &[&wide]).ends_with("their rows differ in type or shape"));
        assert!(here.work().read(&narrow).is_err());
    });
}

#[test]
fn a_device_that_is_not_there_is_told_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|_| {
        let executors = Executors::new(probe(LIMITS).unwrap());
        let error = executors.open(DeviceId::Cuda(2), &Tenant::new("test")).err().unwrap();
        let both = "cuda:0 (Software CUDA device (tests)), cuda:1 (Software CUDA device (tests))";
        assert_eq!(error.0, format!("device cuda:2 is not there: there is {both}"));
        let none = Executors::new(Devices::absent(Absence::NoDevice));
        let error = none.open(DeviceId::Cuda(0), &Tenant::new("test")).err().unwrap();
        assert!(
            error.0.starts_with("device cuda:0 is not there: no CUDA: the driver found"),
            "{error}"
        );
    });
}

#[test]
fn kernels_are_loaded_once_for_a_device_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let devices = probe(LIMITS).unwrap();
        // Of two engines.
        let (one, other) = (Executors::new(devices.clone()), Executors::new(devices));
        let (first, second) = (executor(&one, 0), executor(&other, 0));
        assert!(Arc::ptr_eq(&first.kernels, &second.kernels) && !first.stream.is(&second.stream));
        assert!(!Arc::ptr_eq(&first.kernels, &executor(&other, 1).kernels));
        let loaded = cuda.count("allocations");
        drop((first, second));
        let _again = executor(&one, 0);
        assert!(cuda.count("allocations") > loaded, "they go with the last who has them");
    });
}

fn spec(engine: EngineOptions) -> ModelSpec {
    ModelSpec {
        name: "m".into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature { inputs: Vec::new(), outputs: Vec::new(), rows_max: None },
        is_batched: false,
        rows_max: 1,
        parameters: BTreeMap::new(),
        engine,
        instances: Vec::new(),
    }
}

#[test]
fn instances_share_their_model_s_memory_and_no_other_s_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|_| {
        let limits = Limits { memory_bytes: Some(2 << 20), ..LIMITS };
        let executors = Executors::new(probe(limits).unwrap());
        let engine =
            EngineOptions { device_memory_bytes_max: Some(100), ..EngineOptions::default() };
        let tenant = Tenant::of(&spec(engine));
        let open = |ordinal| executors.open(DeviceId::Cuda(ordinal), &tenant).unwrap();
        let (one, two, elsewhere) = (open(0), open(0), open(1));
        let held = one.stream().allocate(60).unwrap();
        for stream in [one.stream(), two.stream(), two.uploads()] {
            let text =
                "its share of the memory of cuda:0: m asked for 41 bytes, 60 of 100 are in use";
            let error = stream.allocate(41).err().unwrap();
            assert_eq!(error.to_string(), text);
            assert!(matches!(InferError::from(error), InferError::Overloaded(_)));
        }
        drop(two.stream().allocate(40).unwrap());
        drop(elsewhere.stream().allocate(100).unwrap());
        drop(executor(&executors, 0).stream().allocate(1 << 20).unwrap());
        drop(held);
        drop(two.stream().allocate(100).unwrap());
        // What the device itself has not is not taken from the share.
        let memory = executors.devices().get(0).unwrap().memory();
        let hog = executor(&executors, 0).stream().allocate(memory.bytes_max()).unwrap();
        let error = one.stream().allocate(100).err().unwrap().to_string();
        assert!(error.starts_with("device memory of cuda:0: m asked for 100 bytes"), "{error}");
        drop(hog);
        drop(one.stream().allocate(100).unwrap());
    });
}

#[test]
fn urgent_models_have_urgent_streams_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let executors = Executors::new(probe(LIMITS).unwrap());
        let driver = Driver::open();
        let priority = |stream: &Stream| {
            let mut priority = 1;
            assert_eq!(driver.cuStreamGetPriority(stream.handle() as usize, &raw mut priority), 0);
            priority
        };
        let (mut least, mut greatest) = (1, 1);
        assert_eq!(driver.cuCtxGetStreamPriorityRange(&raw mut least, &raw mut greatest), 0);
        let [min, usual, max] = [Urgency::Min, Urgency::Default, Urgency::Max].map(|urgency| {
            let tenant = Tenant::of(&spec(EngineOptions { urgency, ..EngineOptions::default() }));
            let executor = executors.open(DeviceId::Cuda(0), &tenant).unwrap();
            assert_eq!(priority(executor.uploads()), greatest);
            priority(executor.stream())
        });
        assert!((min, max) == (least, greatest) && min > usual && usual > max, "{usual}");
    });
}

/// A request for both rows of a batch's output, and who waits for it.
fn batch_of_two() -> (Batch, [Receiver<Answer>; 2]) {
    let request = || {
        let (told, client) = channel();
        let home = Home::Then(Box::new(move |answer, _: &_| told.send(answer).unwrap()));
        let mut request = Request::new(Vec::new(), NonZeroUsize::MIN, home);
        request.outputs = vec![RequestedOutput { name: "y".into(), place: Some(DeviceId::Cpu) }];
        (request, client)
    };
    let [(one, first), (two, second)] = [request(), request()];
    let mut batch = Batch::new(one, Instant::now(), Arc::new(CopyCounter::default()));
    batch.push(two);
    (batch, [first, second])
}

#[test]
fn requests_share_the_output_of_their_batch_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let here = executor(&Executors::new(probe(LIMITS).unwrap()), 0);
        let (batch, clients) = batch_of_two();
        let outputs = vec![("y".into(), on_device(&here, &[1, 2, 3, 4]))];
        let running = here.answer(batch, |batch| batch.respond_rows(Ok(outputs)));
        let Running::OnDevice { after, finish } = running else { panic!("it is done") };
        here.stream().device().reaper().watch(after, finish);
        for (client, expected) in clients.into_iter().zip([[1, 2], [3, 4]]) {
            let answer = client.recv().unwrap().unwrap();
            assert_eq!(bytes_of(&here, &answer.outputs[0].1), expected);
        }
    });
}

/// Work that takes as long as a test holds this.
static BUSY: Mutex<()> = Mutex::new(());

extern "C" fn be_busy(_: *mut c_void) {
    drop(BUSY.lock());
}

#[test]
fn a_model_that_is_busy_keeps_no_other_waiting_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let executors = Executors::new(probe(LIMITS).unwrap());
        let (busy, here) = (executor(&executors, 0), executor(&executors, 0));
        let answer = |of: &Executor| {
            let (batch, clients) = batch_of_two();
            let outputs = vec![("y".into(), on_device(of, &[1, 2, 3, 4]))];
            let running = of.answer(batch, |batch| batch.respond_rows(Ok(outputs)));
            let Running::OnDevice { after, finish } = running else { panic!("it is done") };
            of.stream().device().reaper().watch(after, finish);
            clients
        };
        let held = BUSY.lock().unwrap();
        let stream = busy.stream().handle() as usize;
        let launched = Driver::open().cuLaunchHostFunc(stream, be_busy, std::ptr::null_mut());
        assert_eq!(launched, 0);
        let waiting = answer(&busy);
        for client in answer(&here) {
            assert!(client.recv().unwrap().is_ok());
        }
        assert!(waiting.iter().all(|client| client.try_recv().is_err()));
        drop(held);
        for client in waiting {
            assert!(client.recv().unwrap().is_ok());
        }
    });
}

#[test]
fn a_batch_on_a_lost_device_is_answered_so_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let here = executor(&Executors::new(probe(LIMITS).unwrap()), 0);
        let near = on_device(&here, &[1, 2, 3, 4]);
        let (one, two) = (near.rows(0..1).unwrap(), near.rows(1..2).unwrap());
        let (in_flight, clients) = batch_of_two();
        cuda.set("fail_kernel", 1);
        // The first to be told may be any call.
        let _launched = here.together(&two, &[&one], &CopyCounter::default());
        let running = here.answer(in_flight, |batch| batch.respond_rows(Ok(Vec::new())));
        if let Running::OnDevice { after, finish } = running {
            let (told, done) = channel();
            let finish = move |ended| {
                finish(ended);
                told.send(()).unwrap();
            };
            here.stream().device().reaper().watch(after, Box::new(finish));
            done.recv().unwrap();
        }
        for client in clients {
            let error = client.recv().unwrap().unwrap_err();
            assert!(matches!(error, InferError::DeviceLost(_)), "{error}");
        }
        let (late, clients) = batch_of_two();
        assert!(matches!(here.answer(late, |_| ()), Running::Done));
        for client in clients {
            assert!(matches!(client.recv().unwrap(), Err(InferError::DeviceLost(_))));
        }
    });
}

#[test]
fn a_library_that_fails_on_a_lost_device_fails_by_that_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let executor = executor(&Executors::new(probe(LIMITS).unwrap()), 0);
        let said = || InferError::Backend("error 719".into());
        assert_eq!(executor.cause(said()).to_string(), said().to_string());
        cuda.lose_device(0);
        let cause = executor.cause(said());
        assert!(matches!(cause, InferError::DeviceLost(_)), "{cause}");
    });
}
