//! The CUDA provider of `onnxruntime-gpu` 1.28.0 itself, over CUDA's runtime of the tests
//! (`tests/softcudart`), which computes nothing: models that are copies alone run. It is fetched by
//! `tools/onnxruntime_gpu.py fetch`; where it is missing, this says so and checks nothing.

use nereid_backend::spec::{Accelerator, GraphLevel};

use super::*;

/// By which the provider looks for NVIDIA's libraries.
const NAMES: [&str; 5] =
    ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10", "libcudnn.so.9"];

fn gpu_library() -> Option<PathBuf> {
    let path = std::env::var_os("NEREID_ONNXRUNTIME_GPU");
    if path.is_none() {
        eprintln!(
            "SKIPPED: no onnxruntime-gpu; NEREID_ONNXRUNTIME_GPU=$(python3 tools/onnxruntime_gpu.py fetch)"
        );
    }
    path.map(PathBuf::from)
}

/// A device with CUDA's runtime.
fn cuda() -> SoftCuda {
    SoftCuda::new().with_double("libsoftcudart.so", &NAMES)
}

/// `y = x`, of rows of three.
fn identity() -> Onnx {
    let model = Onnx::new().input("x", FLOAT, &[-1, 3]).output("y", FLOAT, &[-1, 3]);
    model.node("Identity", &["x"], "y")
}

#[test]
fn nvidias_provider_copies_nothing_and_waits_for_nothing_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().set("run_when_awaited", 1).run(|cuda| {
        let fixture = Fixture::of(&library, None);
        assert_eq!(fixture.engine.gpus(&BTreeMap::new()), [0]);
        let model = fixture.load(fixture.spec(&identity(), 8)).unwrap();
        let mut instance = model.spawn(on(0)).unwrap();
        let x = on_device(&floats(&[2, 3], &[1., 2., 3., 4., 5., 6.]));
        let counts =
            || ["h2d_bytes", "d2h_bytes", "d2d_bytes", "stream_syncs"].map(|it| cuda.count(it));
        let (before, mut running) = (counts(), Vec::new());
        for _ in 0..3 {
            let (request, client) = request(&[("x", &x)], &["y"]);
            let batch = Batch::new(request, Instant::now(), fixture.copies.clone());
            let Running::OnDevice { after, finish } = instance.start(batch) else { panic!() };
            assert!(after.poll().is_none(), "nobody waited for the stream yet");
            running.push((after, finish, client));
        }
        let after = counts();
        let spent: Vec<_> =
            after.iter().zip(before).map(|(after, before)| after - before).collect();
        let operators = 3 * 24; // `Identity` is a copy.
        assert_eq!((spent, fixture.copied()), (vec![0, 0, operators, 0], [0; 4]));
        let arena = model.memory();
        assert_eq!(arena.iter().map(|it| it.device).collect::<Vec<_>>(), [DeviceId::Cuda(0)]);
        drop((instance, x)); // What runs has what it needs.
        for (after, finish, client) in running {
            finish(after.poll().unwrap_or(Ok(())));
            let y = output(&client.recv().unwrap(), 0);
            assert_eq!(values(&y), (vec![2, 3], vec![1., 2., 3., 4., 5., 6.]));
        }
    });
}

#[test]
fn instances_of_nvidias_provider_hand_on_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().set("delay_us", 300).run(|_| {
        let fixture = Fixture::of(&library, None);
        let model = fixture.load(fixture.spec(&identity(), 8)).unwrap();
        let mut instances = [model.spawn(on(0)).unwrap(), model.spawn(on(0)).unwrap()];
        drop(model);
        let host = floats(&[1, 3], &[7., 8., 9.]);
        let mut last = Vec::new();
        for _ in 0..3 {
            let first =
                fixture.run(&mut *instances[0], &[&[("x", &host)], &[("x", &host)]], &["y"]);
            let y = output(&first[1], 0);
            let second = fixture.run(&mut *instances[1], &[&[("x", &y)]], &["y"]);
            last.push(output(&second[0], 0));
        }
        drop(instances);
        for tensor in last {
            assert_eq!(values(&tensor), (vec![1, 3], vec![7., 8., 9.]));
        }
        // Two rows went up together; the second one begins within a buffer, and is copied to be aligned.
        assert_eq!(fixture.copied(), [3 * 24, 3 * 12, 0, 0]);
    });
}

#[test]
fn nvidias_provider_takes_its_options_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().run(|_| {
        let fixture = Fixture::of(&library, None);
        let with = |parameters: &[(&str, &str)], options: &[(&str, &str)]| {
            let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
                pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
            };
            let mut spec = fixture.spec(&identity(), 8);
            spec.parameters = pairs(parameters);
            let accelerator = Accelerator { name: "cuda".into(), parameters: pairs(options) };
            spec.engine.gpu_accelerators = vec![accelerator];
            fixture.spawn(spec).map(drop)
        };
        let parameters = [
            ("gpu_mem_limit", "1073741824"),
            ("arena_extend_strategy", "1"),
            ("cudnn_conv_algo_search", "2"),
            ("do_copy_in_default_stream", "1"),
            ("memory.enable_memory_arena_shrinkage", "gpu:0"),
        ];
        assert_eq!(with(&parameters, &[("use_tf32", "0"), ("tunable_op_enable", "0")]), Ok(()));
        let refused = with(&[], &[("no_such_option", "1")]).unwrap_err();
        assert!(refused.contains("Unknown provider option: \"no_such_option\""), "{refused}");
    });
}

#[test]
fn a_kernel_of_nvidias_provider_that_fails_is_told_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().run(|_| {
        let fixture = Fixture::of(&library, None);
        let mut other = fixture.spawn(fixture.spec(&identity(), 8)).unwrap();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap().to_string();
        assert!(told.contains("no kernel of NVIDIA's runs on the software CUDA device"), "{told}");
        let answers = fixture.run(&mut *other, &[&[("x", &x)]], &["y"]);
        assert_eq!(values(&output(&answers[0], 0)).1, [1., 2., 3.]);
    });
}

#[test]
fn nvidias_provider_without_memory_is_told_as_that_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().set("memory_bytes", 6 << 20).run(|_| {
        let fixture = Fixture::of(&library, None);
        let mut instance = fixture.spawn(fixture.spec(&identity(), 0)).unwrap();
        let rows = 1 << 18;
        let large = on_device(&floats(&[rows, 3], &vec![0.5; 3 * rows]));
        let answers = fixture.run(&mut *instance, &[&[("x", &large)]], &["y"]);
        let error = answers[0].as_ref().err().unwrap();
        assert!(matches!(error, InferError::Overloaded(_)), "{error}");
        assert!(error.to_string().contains("buffer of size 3145728"), "{error}");
        let small = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let answers = fixture.run(&mut *instance, &[&[("x", &small)]], &["y"]);
        assert_eq!(values(&output(&answers[0], 0)).1, [1., 2., 3.]);
    });
}

#[test]
fn a_lost_device_ends_no_process_with_nvidias_provider_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().run(|cuda| {
        let fixture = Fixture::of(&library, None);
        let mut instance = fixture.spawn(fixture.spec(&identity(), 8)).unwrap();
        let x = floats(&[1, 3], &[1., 2., 3.]);
        let y = output(&fixture.run(&mut *instance, &[&[("x", &x)]], &["y"])[0], 0);
        cuda.lose_device(0);
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        assert!(matches!(answers[0], Err(InferError::DeviceLost(_))));
        drop((instance, y));
    });
}

/// `Unique` is the CPU's: ONNX Runtime copies what it reads and makes, and waits for what it reads.
#[test]
fn operators_of_the_cpu_take_turns_with_nvidias_provider_on_the_software_cuda_device() {
    let Some(library) = gpu_library() else { return };
    cuda().set("delay_us", 300).run(|cuda| {
        let fixture = Fixture::of(&library, None);
        let model = Onnx::new().input("x", FLOAT, &[-1]).node("Identity", &["x"], "near");
        let model = model.node("Unique", &["near"], "far").node("Identity", &["far"], "y");
        let model = model.output("y", FLOAT, &[-1]).output("far", FLOAT, &[-1]);
        let mut spec = fixture.spec(&model, 0);
        spec.engine.graph_level = GraphLevel::Disabled; // Or it leaves out what does nothing.
        let mut instance = fixture.spawn(spec).unwrap();
        let x = on_device(&floats(&[5], &[3., 1., 2., 3., 1.]));
        let before = ["d2h_bytes", "h2d_bytes"].map(|it| cuda.count(it));
        for _ in 0..3 {
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y", "far"]);
            let far = &answers[0].as_ref().unwrap().outputs[1].1;
            assert_eq!(far.values::<f32>(), Some(&[1., 2., 3.][..]));
            assert_eq!(values(&output(&answers[0], 0)), (vec![3], vec![1., 2., 3.]));
        }
        let after = ["d2h_bytes", "h2d_bytes"].map(|it| cuda.count(it));
        let own = 12; // What the test looks at.
        assert_eq!([after[0] - before[0], after[1] - before[1]], [3 * (20 + own), 3 * 12]);
        assert_eq!(fixture.copied(), [0; 4], "ONNX Runtime's own copies are not counted");
    });
}
