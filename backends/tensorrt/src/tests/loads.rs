//! What a plan tells, and why it does not load.

use nereid_backend::data_type::DataType;
use nereid_backend::spec::{Dim, TensorSpec};
use nereid_kernels::device::{Absence, Devices};

use super::double::{AFFINE, Count, plan};
use super::*;

#[test]
fn a_plan_tells_its_signature_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        for version in [100_300, 101_601, 110_400] {
            fixture.double.set_version(version);
            let fixture = Fixture::new();
            let tensor =
                |name| TensorSpec::new(name, DataType::Fp32, vec![Dim::Any, Dim::Fixed(3)]);
            let (inputs, outputs) = (vec![tensor("x")], vec![tensor("y")]);
            let expected = Signature { inputs, outputs, rows_max: Some(8) };
            assert_eq!(fixture.inspect(AFFINE).unwrap(), expected, "{version}");
            assert_eq!(fixture.double.count(Count::Engines), 0, "what is looked into is let go");
        }
    });
}

#[test]
fn all_types_are_mapped_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let types = ["FP32", "FP16", "INT8", "INT32", "BOOL", "UINT8", "BF16", "INT64"];
        for data_type in types {
            let signature =
                fixture.inspect(&plan(&format!("input x {data_type} 2\noutput y {data_type} 2")));
            assert_eq!(
                signature.unwrap().inputs[0].data_type,
                DataType::from_name(data_type).unwrap()
            );
        }
        for data_type in ["FP8", "INT4", "FP4", "E8M0"] {
            let told =
                fixture.inspect(&plan(&format!("input x {data_type} 2\noutput y FP32 2 format 9")));
            let told = told.unwrap_err().0;
            let lines: Vec<_> = told.lines().collect();
            let expected = format!(
                "input 'x': its type is TensorRT's k{data_type}, which requests have no name for"
            );
            assert!(lines[0].starts_with(&expected), "{told}");
            assert!(
                lines[1].starts_with("output 'y': the plan has it in TensorRT's format 9"),
                "{told}"
            );
        }
    });
}

#[test]
fn plans_that_do_not_load_say_why_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let check = |plan: &str, reason: &str| {
            let told = fixture.inspect(plan).unwrap_err().0;
            let begin = "TensorRT 11.4.0 cannot load ";
            let device = "/model.plan on cuda:0 (Software CUDA device (tests)): ";
            assert!(told.starts_with(begin) && told.contains(device), "{told}");
            assert!(told.contains(reason) && told.contains("trtexec --onnx="), "{told}");
        };
        let call = "IRuntime::deserializeCudaEngine failed: ";
        check("junk", &format!("{call}the magic tag is not that of a plan"));
        let other = plan("capability 9 0\ninput x FP32 2\noutput y FP32 2");
        check(
            &other,
            &format!("{call}the plan was built for another GPU than one of compute capability 7.5"),
        );
        let spec = |rows_max, profiles: &[usize]| {
            let mut spec = fixture.spec(AFFINE, rows_max).unwrap();
            spec.engine.profiles = profiles.to_vec();
            fixture.spawn(spec).err().unwrap().0
        };
        assert_eq!(
            spec(4, &[]),
            "max_batch_size is 4, but the profiles of instance_group.profile take 2 rows at most"
        );
        assert_eq!(spec(2, &[5]), "instance_group.profile is 5, but the plan has profiles 0 to 1");
        let mut on_cpu = fixture.spec(AFFINE, 2).unwrap();
        on_cpu.instances[0].device = DeviceId::Cpu;
        let told = fixture.spawn(on_cpu).err().unwrap().0;
        assert_eq!(told, "TensorRT runs on GPUs alone: set instance_group to kind KIND_GPU");
        let mut elsewhere = fixture.spec(AFFINE, 2).unwrap();
        elsewhere.instances[0].device = DeviceId::Cuda(3);
        let told = fixture.spawn(elsewhere).err().unwrap().0;
        assert!(told.starts_with("device cuda:3 is not there: there is cuda:0"), "{told}");
        assert_eq!(fixture.double.count(Count::Engines), 0);
    });
}

#[test]
fn plug_ins_are_loaded_once_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let (library, plugins) = (Some(double::path()), vec![double::path()]);
        let fixture = Fixture::with(Settings { library: library.clone(), plugins });
        fixture.inspect(AFFINE).unwrap();
        fixture.inspect(AFFINE).unwrap();
        assert_eq!(fixture.double.count(Count::Plugins), 1);
        let fixture = Fixture::with(Settings { library, plugins: vec!["/nonexistent.so".into()] });
        let told = fixture.inspect(AFFINE).unwrap_err().0;
        let expected = "the plug-in library /nonexistent.so of --backend-config=tensorrt,plugins cannot be used: ";
        assert!(told.starts_with(expected), "{told}");
    });
}

#[test]
fn without_a_device_what_is_stated_is_believed_and_nothing_loads() {
    let engine = TensorRt::new(Devices::absent(Absence::NoDevice), Settings::default());
    let stated = |name, dims: &[usize]| {
        TensorSpec::new(name, DataType::Fp32, dims.iter().copied().map(Dim::Fixed).collect())
    };
    let told = engine.inspect(&RawSpec::default()).unwrap_err().0;
    let expected = "TensorRT runs on GPUs alone: device cuda:0 is not there: no CUDA: the driver found no device";
    assert!(told.starts_with(expected), "{told}");
    let signature = Signature {
        inputs: vec![stated("x", &[3])],
        outputs: vec![stated("y", &[3])],
        rows_max: None,
    };
    let raw = RawSpec { signature, rows_max: 4, ..RawSpec::default() };
    let believed = engine.inspect(&raw).unwrap();
    assert_eq!(believed.inputs[0].dims, [Dim::Any, Dim::Fixed(3)]);
    let spec = ModelSpec {
        name: "m".into(),
        version: 1,
        file: "model.plan".into(),
        signature: raw.signature,
        is_batched: true,
        rows_max: 4,
        parameters: raw.parameters,
        engine: EngineOptions::default(),
        instances: vec![on(0)],
    };
    let told = engine.load(Arc::new(spec)).err().unwrap().0;
    assert!(told.starts_with("device cuda:0 is not there: no CUDA"), "{told}");
}
