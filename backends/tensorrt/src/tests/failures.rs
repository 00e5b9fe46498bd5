//! Every call of the library that can fail does: it is told what and why, and what serves goes on.

use super::double::{AFFINE, Count, plan};
use super::*;

/// Calls of a load, with what is told.
const LOADS: [(&str, &str); 11] = [
    ("createInferRuntime", "createInferRuntime failed: createInferRuntime fails, as the test asks"),
    (
        "deserializeCudaEngine",
        "IRuntime::deserializeCudaEngine failed: deserializeCudaEngine fails, as the test asks",
    ),
    (
        "getNbIOTensors",
        "ICudaEngine::getNbIOTensors failed: getNbIOTensors fails, as the test asks",
    ),
    (
        "getIOTensorName",
        "ICudaEngine::getIOTensorName failed: getIOTensorName fails, as the test asks",
    ),
    (
        "getTensorIOMode",
        "ICudaEngine::getTensorIOMode failed: getTensorIOMode fails, as the test asks",
    ),
    (
        "getTensorLocation",
        "ICudaEngine::getTensorLocation failed: getTensorLocation fails, as the test asks",
    ),
    (
        "getTensorShape",
        "ICudaEngine::getTensorShape failed: getTensorShape fails, as the test asks",
    ),
    ("getTensorFormat", "input 'x': the plan has it in TensorRT's format 99"),
    ("getTensorDataType", "input 'x': its type is TensorRT's number 99"),
    (
        "getNbOptimizationProfiles",
        "ICudaEngine::getNbOptimizationProfiles failed: getNbOptimizationProfiles fails",
    ),
    (
        "getProfileShape",
        "ICudaEngine::getProfileShape failed: getProfileShape fails, as the test asks",
    ),
];

/// Calls of an instance's beginning.
const SPAWNS: [(&str, &str); 2] = [
    (
        "createExecutionContext",
        "ICudaEngine::createExecutionContext failed: createExecutionContext fails",
    ),
    (
        "setOptimizationProfileAsync",
        "IExecutionContext::setOptimizationProfileAsync failed: setOpt",
    ),
];

/// Calls of a run.
const RUNS: [(&str, &str); 5] = [
    (
        "setInputShape",
        "TensorRT: IExecutionContext::setInputShape failed: setInputShape fails, as the test asks",
    ),
    (
        "setTensorAddress",
        "TensorRT: IExecutionContext::setTensorAddress failed: setTensorAddress fails",
    ),
    (
        "inferShapes",
        "TensorRT: IExecutionContext::inferShapes failed: inferShapes fails, as the test asks",
    ),
    (
        "getTensorShape of a context",
        "TensorRT: IExecutionContext::getTensorShape failed: getTensorShape of",
    ),
    (
        "enqueueV3",
        "TensorRT: IExecutionContext::enqueueV3 failed: enqueueV3 fails, as the test asks",
    ),
];

#[test]
fn each_call_that_fails_is_told_and_others_serve_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        for_both_majors(|fixture| {
            let mut other = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
            let spec = fixture.spec(AFFINE, 2).unwrap();
            let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
            let mut serves = || {
                fixture.double.fail("");
                let answers = fixture.run(&mut *other, &[&[("x", &x)]], &["y"]);
                assert_eq!(values(&answers[0], 0).1, affine(&[1., 2., 3.]));
            };
            for (call, expected) in LOADS {
                fixture.double.fail(call);
                let told = fixture.inspect(AFFINE).unwrap_err().0;
                assert!(told.contains(expected), "{call}: {told}");
                let told = fixture.engine.load(Arc::new(spec.clone())).err().unwrap().0;
                assert!(told.contains(expected), "{call}: {told}");
                serves();
            }
            for (call, expected) in SPAWNS {
                let model = fixture.engine.load(Arc::new(spec.clone())).unwrap();
                fixture.double.fail(call);
                let told = model.spawn(on(0)).err().unwrap().0;
                assert!(told.contains(expected), "{call}: {told}");
                serves();
            }
            assert_eq!(fixture.double.count(Count::Contexts), 1);
            for (call, expected) in RUNS {
                let mut instance = fixture.spawn(spec.clone()).unwrap();
                fixture.double.fail(call);
                let answers = fixture.run(&mut *instance, &[&[("x", &x)], &[("x", &x)]], &["y"]);
                for answer in answers {
                    let told = answer.err().unwrap().to_string();
                    assert!(told.starts_with(expected), "{call}: {told}");
                }
                serves();
                let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
                assert_eq!(values(&answers[0], 0).1, affine(&[1., 2., 3.]), "after {call}");
            }
        });
    });
}

#[test]
fn an_allocator_that_is_refused_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let plan = plan("input x FP32 -1\noutput y FP32 ?\nprofile\nrange x 1 4 8");
        let mut instance = fixture.spawn(fixture.spec(&plan, 0).unwrap()).unwrap();
        let x = on_device(&floats(&[2], &[1., 2.]));
        fixture.double.fail("setOutputAllocator");
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap().to_string();
        assert!(told.contains("IExecutionContext::setOutputAllocator failed"), "{told}");
        fixture.double.fail("");
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        assert_eq!(values(&answers[0], 0), (vec![1], affine(&[1.])));
    });
}

#[test]
fn a_plug_in_library_that_fails_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let settings = Settings { library: Some(double::path()), plugins: vec![double::path()] };
        let fixture = Fixture::with(settings);
        fixture.double.fail("initLibNvInferPlugins");
        let told = fixture.inspect(AFFINE).unwrap_err().0;
        assert!(
            told.ends_with(
                "initLibNvInferPlugins failed: initLibNvInferPlugins fails, as the test asks"
            ),
            "{told}"
        );
    });
}

#[test]
fn no_memory_for_an_output_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        cuda.set("fail_allocation", 1);
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap().to_string();
        assert!(told.starts_with("device memory of cuda:0: m asked for 12 bytes"), "{told}");
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        assert_eq!(values(&answers[0], 0).1, affine(&[1., 2., 3.]));
    });
}

#[test]
fn a_call_that_fails_on_a_lost_device_is_told_as_that_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        fixture.double.fail("setInputShape");
        cuda.lose_device(0);
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap();
        assert!(matches!(told, InferError::DeviceLost(_)), "{told}");
    });
}
