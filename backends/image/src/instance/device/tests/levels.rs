//! Levels that are on a device already: they are drawn from there.

use nereid_backend::tensor::Storage;
use nereid_kernels::device::{Source, host_to_device};

use super::*;

/// The same inputs, but for boxes on a device.
fn moved((inputs, rows): &Asked, device: &Device) -> Asked {
    let stream = device.stream("test", Priority::Least).unwrap();
    let moved = |(name, tensor): &(Arc<str>, Tensor)| {
        if &**name == "BOXES" {
            return (name.clone(), tensor.clone());
        }
        let mut to = stream.allocate(tensor.size_bytes()).unwrap();
        let levels = Source::Pageable(tensor.host().unwrap());
        host_to_device(&mut to, 0, levels, &CopyCounter::default()).unwrap();
        let storage = Storage::Device(to.ready().unwrap());
        (name.clone(), Tensor::new(DataType::Uint8, tensor.shape().to_vec(), storage).unwrap())
    };
    (inputs.iter().map(moved).collect(), *rows)
}

/// They are as if they came from the host, and `copied` bytes go up and between devices.
fn check(world: &World, parameters: &str, asked: &[Asked], from: &Device, copied: [u64; 2]) {
    let model = world.model(parameters, DataType::Fp32, asked);
    let run = |device, asked: &[Asked]| {
        let copies = Arc::new(CopyCounter::default());
        let clients = world.start(&mut *spawn(&model, device), asked, &copies);
        let counted = [Copy::HostToDevice, Copy::DeviceToDevice].map(|copy| copies.get(copy));
        (world.answers(clients), counted)
    };
    let (expected, _) = run(DeviceId::Cpu, asked);
    assert!(expected.iter().all(Result::is_ok), "{parameters}");
    let asked: Vec<_> = asked.iter().map(|asked| moved(asked, from)).collect();
    assert_eq!(run(world.device.id(), &asked), (expected, copied), "{parameters}");
}

fn crop() -> Asked {
    let (mut inputs, _) = levels(&[11, 10, 3], 7);
    let boxes = vec![1.0_f32, 2.0, 9.0, 8.0, 0.0, 0.0, 5.0, 5.0];
    inputs.push(("BOXES".into(), Tensor::from_values(vec![2, 4], boxes).unwrap()));
    (inputs, 1)
}

#[test]
fn levels_of_the_device_are_not_copied_on_the_software_cuda_device() {
    AnyCuda::new().run(|| {
        let world = World::new();
        // Rows of an odd number of bytes: pictures begin anywhere.
        for (format, shape) in [
            ("rgb", &[3, 5, 7, 3][..]),
            ("bgr", &[2, 11, 10, 3]),
            ("gray", &[2, 11, 10, 1]),
            ("nv12", &[2, 15, 12]),
        ] {
            let asked = [levels(shape, 3), levels(shape, 90)];
            let parameters = format!("width=9;height=7;input_format={format}");
            check(&world, &parameters, &asked, &world.device, [0, 0]);
        }
        let parameters = "operation=crop;width=6;height=5;input_format=rgb";
        check(&world, parameters, &[crop()], &world.device, [0, 0]);
    });
}

#[test]
fn levels_of_another_device_come_across_on_two_software_cuda_devices() {
    AnyCuda::new().devices(2).run(|| {
        let world = World::new();
        let other = probe(LIMITS).unwrap().get(1).unwrap().clone();
        let asked = [levels(&[2, 11, 10, 3], 3)];
        let parameters = "width=9;height=7;input_format=rgb";
        check(&world, parameters, &asked, &other, [0, 2 * 11 * 10 * 3]);
    });
}
