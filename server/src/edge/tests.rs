//! Outputs of a batch on the software CUDA device, on their way to clients.

use nereid_backend::backend::{Instance, Model};
use nereid_backend::batch::Batch;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::spec::{InstanceId, InstanceSpec};
use nereid_kernels::device::{Limits, probe};
use nereid_kernels::executor::{Executors, Tenant};
use nereid_softcuda_harness::SoftCuda;

use super::*;
use crate::fakes;

const GPU: DeviceId = DeviceId::Cuda(0);
const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

/// An instance on the device that answers `x` as `y`, there, behind what brings it home.
fn instance(edge: &Arc<Edge>) -> Box<dyn Instance> {
    let executors = Executors::new(edge.devices().clone());
    let executor = Arc::new(executors.open(GPU, &Tenant::new("test")).unwrap());
    let run = move |batch: Batch| {
        let y = executor.gather(&batch, "x");
        batch.respond_rows(y.map(|y| vec![("y".into(), y.unwrap())]));
    };
    let model = fakes::Made(move || Box::new(fakes::Scripted(run.clone())) as Box<dyn Instance>);
    let model = Delivered { model: Arc::new(model), delivery: edge.clone() };
    model.spawn(InstanceSpec { id: InstanceId(0), device: GPU }).unwrap()
}

#[test]
fn only_what_somebody_waits_for_comes_home_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let edge = Edge::new(probe(LIMITS).unwrap()).unwrap();
        let mut instance = instance(&edge);
        let inputs = [[1, 2], [3, 4], [5, 6]];
        let tensor = |row: [i32; 2]| Tensor::from_values(vec![1, 2], row.to_vec()).unwrap();
        let (batch, clients) = fakes::batch(&inputs.map(tensor));
        let mut clients = clients.into_iter();
        drop(clients.next());
        instance.start(batch);
        for (client, expected) in clients.zip(&inputs[1..]) {
            let outputs = client.blocking_recv().unwrap().unwrap().outputs;
            assert_eq!(outputs[0].1.values::<i32>(), Some(&expected[..]));
        }
        assert_eq!((cuda.count("h2d_bytes"), cuda.count("d2h_bytes")), (24, 16));
    });
}

#[test]
fn tensors_that_are_on_the_host_are_left_alone() {
    let edge = fakes::edge();
    let (told, heard) = std::sync::mpsc::channel();
    let landed = move |tensors: Result<Tensors, InferError>| told.send(tensors.unwrap()).unwrap();
    let tensor = fakes::numbers(&[1, 2]);
    let place = |tensor: &Tensor| tensor.host().unwrap().as_ptr();
    let tensors = vec![("y".into(), tensor.clone())];
    edge.to_host(tensors, Vec::new(), Arc::new(CopyCounter::default()), Box::new(landed));
    assert_eq!(place(&heard.recv().unwrap()[0].1), place(&tensor));
}

#[test]
fn without_pinned_memory_a_copy_is_refused_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let edge = Edge::new(probe(LIMITS).unwrap()).unwrap();
        let executor =
            Executors::new(edge.devices().clone()).open(GPU, &Tenant::new("test")).unwrap();
        let copies = Arc::new(CopyCounter::default());
        let tensor = executor.together(&fakes::numbers(&[1, 2]), &[], &copies).unwrap();
        // The block of the upload is kept, and too small for this.
        let large = executor.together(&fakes::numbers(&[1, 100_000]), &[], &copies).unwrap();
        let ask = |tensor: &Tensor| {
            let (told, heard) = std::sync::mpsc::channel();
            let landed = move |tensors: Result<Tensors, InferError>| {
                told.send(tensors.map(drop)).unwrap();
            };
            edge.to_host(
                vec![("y".into(), tensor.clone())],
                Vec::new(),
                copies.clone(),
                Box::new(landed),
            );
            heard.recv().unwrap()
        };
        // When this is home, the upload is done, too: the blocks of both are idle.
        assert!(ask(&large).is_ok());
        // All that the limit lets be.
        let held = (0..2).map(|_| executor.stream().pinned(400_000).unwrap()).collect::<Vec<_>>();
        let error = ask(&large).unwrap_err();
        assert!(matches!(error, InferError::Overloaded(_)), "{error}");
        assert!(
            error.to_string().starts_with("pinned memory of cuda:0: outputs asked for"),
            "{error}"
        );
        drop(held);
        assert!(ask(&large).is_ok() && ask(&tensor).is_ok());
        assert_eq!(copies.get(Copy::DeviceToHost), cuda.count("d2h_bytes"));
    });
}
