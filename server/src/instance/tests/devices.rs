//! A model with an instance on each of two software CUDA devices.

use std::sync::Barrier;

use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::Answer;
use nereid_kernels::device::{Device, Devices, Limits, Priority, probe};
use nereid_kernels::executor::{Executors, Tenant};
use nereid_softcuda_harness::SoftCuda;
use tokio::sync::oneshot;

use super::*;
use crate::dynamic_batcher::DynamicBatcher;
use crate::registry::Route;
use crate::statistics::Statistics;

/// Answers `x` as `y`, on its instance's device, where all instances meet first if there is a barrier.
struct Anywhere {
    executors: Executors,
    meeting: Arc<Mutex<Option<Arc<Barrier>>>>,
}

impl Model for Anywhere {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let executor = self.executors.open(spec.device, &Tenant::new("test"))?;
        let meeting = self.meeting.clone();
        let run = move |batch: Batch| {
            let barrier = meeting.lock().unwrap().clone();
            barrier.map(|barrier| barrier.wait());
            let y = executor.gather(&batch, "x");
            batch.respond_rows(y.map(|y| vec![("y".into(), y.unwrap())]));
        };
        Ok(Box::new(fakes::Scripted(run)))
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}

/// What a test has of the model.
struct World {
    queue: Arc<Queue>,
    devices: Devices,
    started: Vec<Started>,
    meeting: Arc<Mutex<Option<Arc<Barrier>>>>,
}

impl World {
    fn new() -> Self {
        let devices = probe(Limits { memory_bytes: None, pinned_bytes: 16 << 20 }).unwrap();
        let statistics = Arc::new(Statistics::default());
        let batcher =
            DynamicBatcher::new(fakes::batching(1, Duration::ZERO), 2, statistics.clone());
        let parks = vec![SystemPark::default(), SystemPark::default()];
        let queue = Queue::new("m".into(), statistics, Box::new(batcher), parks);
        let meeting = Arc::new(Mutex::new(Some(Arc::new(Barrier::new(2)))));
        let executors = Executors::new(devices.clone());
        let model = Arc::new(Anywhere { executors, meeting: meeting.clone() });
        let all = devices.all();
        let start = |(id, device): (usize, &Device)| {
            let others = all.iter().filter(|other| other.id() != device.id()).cloned().map(Some);
            let (reaper, own) = (device.reaper().clone(), Some(device.clone()));
            let footing = Footing::new(reaper, own, others.collect());
            let spec = InstanceSpec { id: InstanceId(id), device: device.id() };
            start_instance(queue.clone(), model.clone(), spec, footing).unwrap().wait().unwrap()
        };
        let started = all.iter().enumerate().map(start).collect();
        Self { queue, devices, started, meeting }
    }

    fn push(&self) -> oneshot::Receiver<Answer> {
        let (mut request, client) = fakes::request(1);
        request.inputs = vec![("x".into(), fakes::numbers(&[1, 2]))];
        request.outputs = vec![RequestedOutput { name: "y".into(), place: None }];
        assert!(self.queue.push(request).is_ok());
        client
    }

    /// Lets somebody find out that it is lost.
    fn touch(&self, ordinal: u32) {
        let device = self.devices.get(ordinal).unwrap();
        assert!(device.stream("test", Priority::Least).is_err());
        assert!(device.is_lost());
    }
}

#[test]
fn instances_on_both_run_and_one_goes_on_alone_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let world = World::new();
        // Neither of both ends before the other has begun.
        let both = [world.push(), world.push()]
            .map(|client| client.blocking_recv().unwrap().unwrap().outputs[0].1.device());
        assert!(both.contains(&DeviceId::Cuda(0)) && both.contains(&DeviceId::Cuda(1)), "{both:?}");
        world.meeting.lock().unwrap().take();
        cuda.lose_device(1);
        world.touch(1);
        for _ in 0..50 {
            // None is over before the test lets go of the meeting, so two want an instance each.
            let meeting = world.meeting.lock().unwrap();
            let clients = [world.push(), world.push()];
            while world.queue.waiting() > 1 {
                std::thread::yield_now();
            }
            drop(meeting);
            for client in clients {
                let response = client.blocking_recv().unwrap().unwrap();
                assert_eq!(response.outputs[0].1.device(), DeviceId::Cuda(0));
            }
        }
        cuda.lose_device(0);
        world.touch(0);
        // Somebody stays, and answers why.
        for _ in 0..2 {
            let error = world.push().blocking_recv().unwrap().unwrap_err().to_string();
            assert!(error.contains(" is lost ("), "{error}");
        }
        world.queue.close();
        world.started.into_iter().for_each(|started| started.join().unwrap());
    });
}
