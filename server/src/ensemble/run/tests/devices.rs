//! Tensors on the software CUDA device, from step to step and home.

use nereid_kernels::device::{Devices, Limits, probe};
use nereid_kernels::executor::{Executors, Tenant};
use nereid_softcuda_harness::{Library, SoftCuda};

use super::*;

const GPU: DeviceId = DeviceId::Cuda(0);
const OTHER: DeviceId = DeviceId::Cuda(1);

fn world() -> (World, Executors) {
    let devices: Devices = probe(Limits { memory_bytes: None, pinned_bytes: 1 << 20 }).unwrap();
    let edge = Edge::new(devices.clone()).unwrap();
    (World { edge, ..World::new() }, Executors::new(devices))
}

/// Serves a model on the device that answers `x` as `y`, there, and tells where `x` was.
fn gpu(world: &mut World, executors: &Executors, name: &str) -> Receiver<DeviceId> {
    on(GPU, world, executors, name)
}

/// As `gpu`, on any device.
fn on(
    device: DeviceId,
    world: &mut World,
    executors: &Executors,
    name: &str,
) -> Receiver<DeviceId> {
    let (told, places) = unbounded();
    let executor = Arc::new(executors.open(device, &Tenant::new("test")).unwrap());
    let mut spec = fakes::spec(name, vec![any("x")], vec![any("y")]);
    spec.instances[0].device = device;
    world.serve(spec, move |batch| {
        told.send(batch.requests()[0].input("x").unwrap().device()).unwrap();
        let y = executor.gather(&batch, "x");
        batch.respond_rows(y.map(|y| vec![("y".into(), y.unwrap())]));
    });
    places
}

/// Bytes that were copied up, down, and within or between devices.
fn copied(cuda: &Library) -> [u64; 3] {
    let between = cuda.count("d2d_bytes") + cuda.count("peer_bytes");
    [cuda.count("h2d_bytes"), cuda.count("d2h_bytes"), between]
}

/// What all models counted of that.
fn counted(done: &Done) -> [u64; 3] {
    [Copy::HostToDevice, Copy::DeviceToHost, Copy::DeviceToDevice].map(|copy| {
        done.0.served().map(|served| Observer::copies(&*served.statistics).get(copy)).sum()
    })
}

#[test]
fn steps_on_a_device_hand_tensors_on_untouched_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (mut world, executors) = world();
        let [one, two] = ["f", "g"].map(|name| gpu(&mut world, &executors, name));
        world.ensemble(&["f x=IN y=MID", "g x=MID y=OUT"]);
        let answer = world.ask(&fakes::numbers(&[1, 3])).unwrap();
        assert_eq!(values(&answer), [0, 1, 2]);
        assert_eq!((one.recv().unwrap(), two.recv().unwrap()), (DeviceId::Cpu, GPU));
        assert_eq!(copied(cuda), [12, 12, 0]);
        assert_eq!(counted(&world.end()), [12, 12, 0]);
    });
}

/// From one device to the other and back, and another way from there.
fn across_devices(cuda: &Library) {
    let (mut world, executors) = world();
    let one = gpu(&mut world, &executors, "one");
    let [two, three] = ["two", "three"].map(|name| on(OTHER, &mut world, &executors, name));
    let back = gpu(&mut world, &executors, "back");
    let outputs = vec![any("OUT"), any("THERE")];
    let steps = ["one x=IN y=A", "two x=A y=B", "three x=B y=THERE", "back x=B y=OUT"];
    world.ensemble_of(fakes::spec("e", vec![any("IN")], outputs), &steps);
    let numbers = fakes::numbers(&[1, 3]);
    let (request, client) = request(&[("IN", &numbers)], &["OUT", "THERE"]);
    world.push("e", request);
    let outputs = client.blocking_recv().unwrap().unwrap().outputs;
    let got: Vec<_> = outputs.iter().map(|(_, tensor)| values(tensor)).collect();
    assert_eq!(got, [[0, 1, 2], [0, 1, 2]]);
    let seen = [one, two, three, back].map(|places| places.recv().unwrap());
    assert_eq!(seen, [DeviceId::Cpu, GPU, OTHER, OTHER], "handed on as they are");
    // Across and back; the host has sent and got what its client has.
    assert_eq!(copied(cuda), [12, 24, 24]);
    assert_eq!((cuda.count("peer_bytes"), cuda.count("peer_touched_bytes")), (24, 0));
    assert_eq!(counted(&world.end()), [12, 24, 24]);
}

#[test]
fn tensors_cross_software_cuda_devices_by_counted_copies() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        across_devices(cuda);
    });
}

#[test]
fn tensors_cross_software_cuda_devices_that_do_not_reach_each_other() {
    SoftCuda::new().set("devices", 2).set("peer_access", 0).run(|cuda| {
        across_devices(cuda);
    });
}

#[test]
fn a_lost_software_cuda_device_fails_the_steps_on_it_alone() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let (mut world, executors) = world();
        let _places = gpu(&mut world, &executors, "here");
        let _others = on(OTHER, &mut world, &executors, "there");
        world.ensemble(&["here x=IN y=MID", "there x=MID y=OUT"]);
        let whole = fakes::spec("alone", vec![any("IN")], vec![any("OUT")]);
        world.ensemble_of(whole, &["here x=IN y=OUT"]);
        assert!(world.ask(&fakes::numbers(&[1, 3])).is_ok());
        cuda.lose_device(1);
        let error = world.ask(&fakes::numbers(&[1, 3])).unwrap_err();
        let expected = "in ensemble 'e', step 1 ('there'): device cuda:1 is lost (";
        assert!(error.starts_with(expected), "{error}");
        let (request, client) = request(&[("IN", &fakes::numbers(&[1, 3]))], &["OUT"]);
        world.push("alone", request);
        let outputs = client.blocking_recv().unwrap().unwrap().outputs;
        assert_eq!(values(&outputs[0].1), [0, 1, 2]);
        drop(world.end());
    });
}

#[test]
fn what_several_read_on_the_host_comes_home_once_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (mut world, executors) = world();
        let [_one, further] = ["f", "further"].map(|name| gpu(&mut world, &executors, name));
        world.model("g", plus(1));
        world.model("h", plus(10));
        let outputs = ["MID", "G", "H", "FAR"].map(any).to_vec();
        world.ensemble_of(
            fakes::spec("e", vec![any("IN")], outputs),
            &["f x=IN y=MID", "g ?=MID x=MID y=G", "h x=MID y=H", "further x=MID y=FAR"],
        );
        let numbers = fakes::numbers(&[1, 3]);
        let (request, client) = request(&[("IN", &numbers)], &["MID", "G", "H", "FAR"]);
        world.push("e", request);
        let outputs = client.blocking_recv().unwrap().unwrap().outputs;
        let got: Vec<_> = outputs.iter().map(|(_, tensor)| values(tensor)).collect();
        assert_eq!(got, [[0, 1, 2], [1, 2, 3], [10, 11, 12], [0, 1, 2]]);
        // The step that is on the device gets it where it was made.
        assert_eq!(further.recv().unwrap(), GPU);
        assert_eq!(copied(cuda), [12, 24, 0], "MID and FAR");
        assert_eq!(counted(&world.end()), [12, 24, 0]);
    });
}

#[test]
fn an_inner_ensemble_leaves_its_outputs_on_the_device_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (mut world, executors) = world();
        let [_one, two] = ["f", "g"].map(|name| gpu(&mut world, &executors, name));
        world.ensemble_of(fakes::spec("inner", vec![any("x")], vec![any("y")]), &["f x=x y=y"]);
        world.ensemble(&["inner x=IN y=MID", "g x=MID y=OUT"]);
        assert_eq!(values(&world.ask(&fakes::numbers(&[1, 3])).unwrap()), [0, 1, 2]);
        assert_eq!(two.recv().unwrap(), GPU);
        assert_eq!(copied(cuda), [12, 12, 0]);
        drop(world.end());
    });
}

#[test]
fn parts_of_a_step_are_joined_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (mut world, executors) = world();
        let _places = gpu(&mut world, &executors, "f");
        world.model("g", plus(1));
        let spec = fakes::spec("e", vec![any("IN")], vec![any("OUT")]);
        // `f` takes 4 rows at a time.
        world.ensemble_of(ModelSpec { rows_max: 8, ..spec }, &["f x=IN y=OUT"]);
        let numbers = fakes::numbers(&[6, 1]);
        let (home, client) = oneshot::channel();
        let inputs = vec![("IN".into(), numbers)];
        let mut asked = Request::new(inputs, NonZeroUsize::new(6).unwrap(), Home::Once(home));
        asked.outputs = vec![RequestedOutput { name: "OUT".into(), place: Some(DeviceId::Cpu) }];
        world.push("e", asked);
        let outputs = client.blocking_recv().unwrap().unwrap().outputs;
        assert_eq!(values(&outputs[0].1), [0, 1, 2, 3, 4, 5]);
        assert_eq!(copied(cuda), [24, 24, 0]);
        assert_eq!(counted(&world.end()), [24, 24, 0]);
    });
}

#[test]
fn a_device_that_is_lost_fails_the_request_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (mut world, executors) = world();
        let _places = gpu(&mut world, &executors, "f");
        world.ensemble(&["f x=IN y=OUT"]);
        assert!(world.ask(&fakes::numbers(&[1, 3])).is_ok());
        cuda.lose_device(0);
        let error = world.ask(&fakes::numbers(&[1, 3])).unwrap_err();
        let expected = "in ensemble 'e', step 0 ('f'): device cuda:0 is lost (";
        assert!(error.starts_with(expected), "{error}");
        drop(world);
    });
}
