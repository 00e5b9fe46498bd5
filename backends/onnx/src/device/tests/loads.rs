//! Loads, and what stands in their way.

use nereid_backend::spec::Accelerator;

use super::provider::{Count, SoftProvider};
use super::*;

/// A text without the paths of this machine.
fn shortened(error: &str, fixture: &Fixture) -> String {
    let folder = fixture.folder.path().to_string_lossy().into_owned();
    let libraries = provider::path().parent().unwrap().to_string_lossy().into_owned();
    error.replace(&folder, "").replace(&libraries, "")
}

#[test]
fn models_run_on_devices_where_there_is_a_provider_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|_| {
        let fixture = Fixture::new();
        assert_eq!(fixture.engine.gpus(&BTreeMap::new()), [0, 1]);
        let mut spec = fixture.spec(&affine(), 8);
        spec.instances = vec![on(0), on(1), on(1)];
        let model = fixture.load(spec).unwrap();
        let _instances = [0, 1, 1].map(|ordinal| model.spawn(on(ordinal)).unwrap());
        let held: Vec<_> = model.memory().iter().map(|it| (it.device, it.size_bytes)).collect();
        let weights = 8;
        assert_eq!(held, [(DeviceId::Cuda(0), weights), (DeviceId::Cuda(1), 2 * weights)]);
    });
}

/// The library of the tests is that of the CPU.
#[test]
fn without_a_provider_models_stay_on_the_cpu_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::with(None);
        assert_eq!(fixture.engine.gpus(&BTreeMap::new()), [0; 0]);
        let error = fixture.load(fixture.spec(&affine(), 8)).err().unwrap();
        let expected = "this library of ONNX Runtime has no provider for CUDA devices: give that of onnxruntime-gpu (PyPI) \
            with --onnxruntime-library, or the library of a plug-in provider with --backend-config=onnxruntime,\
            execution-provider-library=PATH. onnxruntime-gpu needs, from 1.27 on, CUDA 13, cuDNN 9 and driver 580 or later, \
            and TensorRT 10 for the accelerator 'tensorrt', which the loader finds by LD_LIBRARY_PATH";
        assert_eq!(error, expected);
        let mut spec = fixture.spec(&affine(), 8);
        spec.instances = vec![InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu }];
        assert!(fixture.spawn(spec).is_ok(), "the CPU serves");
    });
}

#[test]
fn a_library_that_is_no_provider_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let other = provider::path().with_file_name("libsoftcuda.so");
        for (library, expected) in [
            (
                "/nowhere/libprovider.so".into(),
                "cannot use /nowhere/libprovider.so as an execution provider: ",
            ),
            (other, "cannot use /libsoftcuda.so as an execution provider: "),
        ] {
            let fixture = Fixture::of_environment(library);
            let error = fixture.load(fixture.spec(&affine(), 8)).err().unwrap();
            let error = shortened(&error, &fixture);
            assert!(error.starts_with(expected), "{error}");
            println!("{error}");
        }
    });
}

#[test]
fn a_device_that_is_not_there_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let mut spec = fixture.spec(&affine(), 8);
        spec.instances = vec![on(5)];
        let error = fixture.load(spec).err().unwrap();
        let expected = "device cuda:5 is not there: there is cuda:0 (Software CUDA device (tests))";
        assert_eq!(error, expected);
    });
}

#[test]
fn a_model_of_which_nothing_runs_on_the_device_is_refused_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let model = Onnx::new().input("x", FLOAT, &[-1, 3]);
        let model = model.node("Neg", &["x"], "y").output("y", FLOAT, &[-1, 3]);
        let error = fixture.spawn(fixture.spec(&model, 8)).err().unwrap();
        let expected = "ONNX Runtime cannot load /model.onnx: none of its operators runs on cuda:0: \
                        0 of 1 operators run on cuda:0, and on the CPU: Neg";
        assert_eq!(shortened(&error, &fixture), expected);
        assert_eq!(provider.count(Count::Sessions), 0);
    });
}

#[test]
fn options_reach_the_provider_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let with = |name: &str, options: &[(&str, &str)]| {
            let mut spec = fixture.spec(&affine(), 8);
            let options = options.iter().map(|(key, value)| ((*key).into(), (*value).into()));
            let parameters = options.collect();
            spec.engine.gpu_accelerators = vec![Accelerator { name: name.into(), parameters }];
            fixture.spawn(spec).map(drop).map_err(|error| shortened(&error, &fixture))
        };
        assert_eq!(with("SoftProvider", &[("answer", "42")]), Ok(()));
        let refused = with("SoftProvider", &[("answer", "41")]).unwrap_err();
        assert!(refused.ends_with("the option 'answer' is not 42"), "{refused}");
        let unknown = "unknown Execution Accelerator 'tensorrt' is requested: the library offers 'SoftProvider'";
        assert_eq!(with("tensorrt", &[]), Err(unknown.to_owned()));
        let reserved = "'device_id' of the accelerator 'SoftProvider' is the server's to state";
        assert_eq!(with("SoftProvider", &[("device_id", "1")]), Err(reserved.to_owned()));
    });
}
