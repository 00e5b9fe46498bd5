//! Batches, and what is copied for them.

use nereid_backend::data_type::DataType;
use nereid_backend::observer::Copy;

use super::provider::{Count, SoftProvider};
use super::*;

#[test]
fn a_batch_of_the_device_is_not_copied_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[2, 3], &[1., 2., 3., 4., 5., 6.]));
        let before = [cuda.count("h2d_bytes"), cuda.count("d2h_bytes"), cuda.count("d2d_bytes")];
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let after = [cuda.count("h2d_bytes"), cuda.count("d2h_bytes"), cuda.count("d2d_bytes")];
        let expected = (vec![2, 3], affine_of(&[1., 2., 3., 4., 5., 6.]));
        assert_eq!(values(&output(&answers[0], 0)), expected);
        assert_eq!((fixture.copied(), after), ([0; 4], before), "nobody copies, nor ONNX Runtime");
    });
}

#[test]
fn requests_run_as_one_batch_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let a = floats(&[1, 3], &[1., 2., 3.]);
        let b = on_device(&floats(&[2, 3], &[4., 5., 6., 7., 8., 9.]));
        let before = (cuda.count("launches"), cuda.count("h2d_bytes"));
        let requests: [&[(&str, &Tensor)]; 3] = [&[("x", &a)], &[("x", &b)], &[("x", &b)]];
        let answers = fixture.run(&mut *instance, &requests, &["y"]);
        let after = (cuda.count("launches"), cuda.count("h2d_bytes"));
        assert_eq!(values(&output(&answers[0], 0)), (vec![1, 3], affine_of(&[1., 2., 3.])));
        let expected = (vec![2, 3], affine_of(&[4., 5., 6., 7., 8., 9.]));
        let found = [1, 2].map(|index: usize| values(&output(&answers[index], 0)));
        assert_eq!(found, [expected.clone(), expected]);
        assert_eq!(fixture.copied(), [12, 0, 0, 48]);
        assert_eq!((after.0 - before.0, after.1 - before.1), (3, 12), "one gathers, two compute");
    });
}

#[test]
fn a_row_that_is_not_aligned_is_copied_and_counted_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let both = on_device(&floats(&[2, 3], &[1., 2., 3., 4., 5., 6.]));
        let second = both.rows(1..2).unwrap();
        let answers = fixture.run(&mut *instance, &[&[("x", &second)]], &["y"]);
        assert_eq!(values(&output(&answers[0], 0)), (vec![1, 3], affine_of(&[4., 5., 6.])));
        assert_eq!(fixture.copied(), [0, 12, 0, 0]);
    });
}

/// Batches that are all in flight at once: a copy or a wait between them would be seen.
#[test]
fn batches_follow_each_other_without_the_host_on_the_software_cuda_device() {
    SoftCuda::new().set("run_when_awaited", 1).run(|_| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let before = provider.count(Count::Waits);
        let mut running = Vec::new();
        for _ in 0..4 {
            let (request, client) = request(&[("x", &x)], &["y"]);
            let batch = Batch::new(request, Instant::now(), fixture.copies.clone());
            let Running::OnDevice { after, finish } = instance.start(batch) else { panic!() };
            assert!(after.poll().is_none(), "nobody waited for the stream yet");
            running.push((after, finish, client));
        }
        assert_eq!(provider.count(Count::Waits), before, "runs do not wait for the device");
        drop(instance); // The session ends when its last output does.
        assert_eq!(provider.count(Count::Sessions), 1);
        for (after, finish, client) in running {
            finish(after.poll().unwrap_or(Ok(())));
            let answer = client.recv().unwrap();
            assert_eq!(values(&output(&answer, 0)).1, affine_of(&[1., 2., 3.]));
        }
    });
}

/// What one makes is what the other reads, while the device is slow; memory that is given back too early
/// or read too early is a violation.
#[test]
fn instances_hand_on_what_they_make_on_the_software_cuda_device() {
    SoftCuda::new().set("delay_us", 300).run(|_| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let model = fixture.load(fixture.spec(&affine(), 8)).unwrap();
        let mut instances = [model.spawn(on(0)).unwrap(), model.spawn(on(0)).unwrap()];
        assert_eq!(provider.count(Count::Sessions), 2, "each has its stream");
        drop(model);
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let mut last = Vec::new();
        for _ in 0..3 {
            let first = fixture.run(&mut *instances[0], &[&[("x", &x)]], &["y"]);
            let y = output(&first[0], 0);
            let second = fixture.run(&mut *instances[1], &[&[("x", &y)]], &["y"]);
            last.push(output(&second[0], 0));
        }
        drop(instances);
        for tensor in last {
            assert_eq!(values(&tensor).1, affine_of(&affine_of(&[1., 2., 3.])));
        }
        assert_eq!(fixture.copied(), [0; 4]);
    });
}

#[test]
fn a_session_ends_with_its_last_output_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let model = fixture.load(fixture.spec(&affine(), 8)).unwrap();
        let mut instance = model.spawn(on(0)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let y = output(&fixture.run(&mut *instance, &[&[("x", &x)]], &["y"])[0], 0);
        let held = provider.count(Count::Bytes);
        let told: Vec<_> = model.memory().iter().map(|it| (it.device, it.size_bytes)).collect();
        assert_eq!(told, [(DeviceId::Cuda(0), held.cast_unsigned())], "two weights, one output");
        assert_eq!(held, 4 + 4 + 12);
        drop(instance);
        assert_eq!(values(&y).1, affine_of(&[1., 2., 3.]), "after its instance");
        drop(y);
        while provider.count(Count::Sessions) > 0 {
            std::thread::yield_now(); // The reaper drops it.
        }
        assert_eq!((provider.count(Count::Bytes), model.memory()), (0, Vec::new()));
    });
}

#[test]
fn a_tensor_of_another_device_crosses_and_is_counted_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let fixture = Fixture::new();
        let mut spec = fixture.spec(&affine(), 8);
        spec.instances = vec![on(1)];
        let mut instance = fixture.spawn(spec).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let before = cuda.count("peer_bytes");
        let y = output(&fixture.run(&mut *instance, &[&[("x", &x)]], &["y"])[0], 0);
        assert_eq!((x.device(), y.device()), (DeviceId::Cuda(0), DeviceId::Cuda(1)));
        assert_eq!(values(&y), (vec![1, 3], affine_of(&[1., 2., 3.])));
        assert_eq!((fixture.copied(), cuda.count("peer_bytes") - before), ([0, 12, 0, 0], 12));
    });
}

/// An operator that the provider does not take runs on the CPU, and what it reads and makes is there.
#[test]
fn operators_of_the_cpu_read_and_make_on_the_host_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let model = Onnx::new()
            .input("a", FLOAT, &[-1, 3])
            .input("x", FLOAT, &[-1, 3])
            .node("Neg", &["a"], "b")
            .node("Add", &["x", "x"], "y")
            .node("Mul", &["x", "x"], "square")
            .node("Neg", &["square"], "z")
            .output("b", FLOAT, &[-1, 3])
            .output("y", FLOAT, &[-1, 3])
            .output("z", FLOAT, &[-1, 3]);
        let mut instance = fixture.spawn(fixture.spec(&model, 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let before = [cuda.count("h2d_bytes"), cuda.count("d2h_bytes")];
        let answers = fixture.run(&mut *instance, &[&[("a", &x), ("x", &x)]], &["z", "y", "b"]);
        let after = [cuda.count("h2d_bytes"), cuda.count("d2h_bytes")];
        let outputs = &answers[0].as_ref().unwrap().outputs;
        let names: Vec<_> = outputs.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["z", "y", "b"]);
        assert_eq!(outputs[0].1.values::<f32>(), Some(&[-1., -4., -9.][..]));
        assert_eq!(values(&output(&answers[0], 1)), (vec![1, 3], vec![2., 4., 6.]));
        assert_eq!(outputs[2].1.values::<f32>(), Some(&[-1., -2., -3.][..]));
        assert_eq!(fixture.copied(), [0, 0, 12, 0], "the input that the CPU reads");
        let own = after[1] - before[1] - 12;
        assert_eq!(
            (after[0] - before[0], own),
            (0, 12),
            "and ONNX Runtime's own, between operators"
        );
    });
}

/// Its memory is the input's, which has to stay there as long.
#[test]
fn an_input_may_be_an_output_on_the_software_cuda_device() {
    SoftCuda::new().set("delay_us", 300).run(|_| {
        let fixture = Fixture::new();
        let model = Onnx::new().input("x", FLOAT, &[-1, 3]).node("Add", &["x", "x"], "y");
        let model = model.output("x", FLOAT, &[-1, 3]).output("y", FLOAT, &[-1, 3]);
        let mut instance = fixture.spawn(fixture.spec(&model, 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["x", "y"]);
        drop(x);
        assert_eq!(values(&output(&answers[0], 0)).1, [1., 2., 3.]);
        assert_eq!(values(&output(&answers[0], 1)).1, [2., 4., 6.]);
        assert_eq!(fixture.copied(), [0; 4]);
    });
}

#[test]
fn bools_of_clients_are_0_or_1_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let model = Onnx::new().input("a", BOOL, &[-1]).input("b", BOOL, &[-1]);
        let model = model.node("And", &["a", "b"], "c").output("c", BOOL, &[-1]);
        let mut instance = fixture.spawn(fixture.spec(&model, 8)).unwrap();
        let bools = |bytes: &'static [u8]| {
            let storage = Storage::Host(Bytes::from_static(bytes));
            Tensor::new(DataType::Bool, vec![bytes.len()], storage).unwrap()
        };
        let (a, b) = (bools(&[2, 0, 255]), bools(&[1, 1, 1]));
        let answers = fixture.run(&mut *instance, &[&[("a", &a), ("b", &b)]], &["c"]);
        assert_eq!(bytes_of(&output(&answers[0], 0))[..], [1, 0, 1]);
        assert_eq!(fixture.copied(), [6, 0, 0, 0]);
        assert_eq!(fixture.copies.get(Copy::Realign), 3);
    });
}

#[test]
fn doubles_and_shapes_of_any_size_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let model = Onnx::new().input("a", DOUBLE, &[-1, -1]).input("b", DOUBLE, &[-1, -1]);
        let model = model.node("Add", &["a", "b"], "c").output("c", DOUBLE, &[-1, -1]);
        let mut instance = fixture.spawn(fixture.spec(&model, 0)).unwrap();
        for (rows, columns) in [(1, 1), (7, 33), (0, 4), (64, 65)] {
            let count = u32::try_from(rows * columns).unwrap();
            let numbers: Vec<f64> = (0..count).map(f64::from).collect();
            let a = Tensor::from_values(vec![rows, columns], numbers.clone()).unwrap();
            let near = on_device(&a);
            let answers = fixture.run(&mut *instance, &[&[("a", &a), ("b", &near)]], &["c"]);
            let c = output(&answers[0], 0);
            let expected: Vec<u8> =
                numbers.iter().flat_map(|number| (number + number).to_le_bytes()).collect();
            assert_eq!((c.shape(), &bytes_of(&c)[..]), (&[rows, columns][..], &expected[..]));
        }
    });
}
