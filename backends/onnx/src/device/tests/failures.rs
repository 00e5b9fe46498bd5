//! Every call of the provider that can fail does: it is told what and why, and what serves goes on. So
//! it is of the device.

use super::provider::{Count, SoftProvider};
use super::*;

/// Calls when the library is opened.
const OPENS: [&str; 2] = ["CreateEpFactories", "GetSupportedDevices"];

/// Calls of a load, with what is told. ONNX Runtime itself goes on without a provider that does not say what it takes.
const LOADS: [(&str, &str); 6] = [
    ("CreateEp", "CreateEp fails, as the test asks"),
    ("GetCapability", "none of its operators runs on cuda:0"),
    ("Compile", "Compile fails, as the test asks"),
    ("CreateAllocator", "CreateAllocator fails, as the test asks"),
    ("CreateState", "Create state function failed"),
    ("CopyTensors", "CopyTensors fails, as the test asks"),
];

/// Calls of a run.
const RUNS: [&str; 3] = ["Compute", "CreateSyncStreamForDevice", "OnRunEnd"];

#[test]
fn each_call_that_fails_is_told_and_others_serve_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let mut other = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let mut serves = || {
            provider.fail("");
            let answers = fixture.run(&mut *other, &[&[("x", &x)]], &["y"]);
            assert_eq!(values(&output(&answers[0], 0)).1, affine_of(&[1., 2., 3.]));
        };
        for (call, expected) in LOADS {
            provider.fail(call);
            let told = fixture.spawn(fixture.spec(&affine(), 8)).err().unwrap();
            assert!(told.contains(expected), "{call}: {told}");
            assert_eq!(provider.count(Count::Sessions), 1, "{call}");
            serves();
        }
        for call in RUNS {
            let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
            provider.fail(call);
            let answers = fixture.run(&mut *instance, &[&[("x", &x)], &[("x", &x)]], &["y"]);
            for answer in answers {
                let told = answer.err().unwrap().to_string();
                assert!(
                    told.contains(&format!("{call} fails, as the test asks")),
                    "{call}: {told}"
                );
            }
            serves();
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
            assert_eq!(values(&output(&answers[0], 0)).1, affine_of(&[1., 2., 3.]), "after {call}");
        }
    });
}

#[test]
fn a_library_that_does_not_open_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let provider = SoftProvider::new();
        for call in OPENS {
            let fixture = Fixture::of_environment(provider::path());
            provider.fail(call);
            for _ in 0..2 {
                let told = fixture.load(fixture.spec(&affine(), 8)).err().unwrap();
                assert!(told.ends_with(&format!("{call} fails, as the test asks")), "{told}");
            }
        }
    });
}

#[test]
fn no_memory_for_an_output_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        for nth in 1..=2 {
            cuda.set("fail_allocation", nth);
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
            let error = answers[0].as_ref().err().unwrap();
            assert!(matches!(error, InferError::Overloaded(_)), "{error}");
            assert!(error.to_string().ends_with("CUDA failure 2: out of memory"), "{error}");
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
            assert_eq!(values(&output(&answers[0], 0)).1, affine_of(&[1., 2., 3.]));
        }
    });
}

#[test]
fn a_launch_that_is_refused_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(&affine(), 8)).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        cuda.set("fail_launch", 1);
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap().to_string();
        assert!(told.contains("cuLaunchKernel: CUDA error"), "{told}");
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        assert_eq!(values(&output(&answers[0], 0)).1, affine_of(&[1., 2., 3.]));
    });
}

#[test]
fn a_lost_device_is_told_as_that_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (fixture, provider) = (Fixture::new(), SoftProvider::new());
        let model = fixture.load(fixture.spec(&affine(), 8)).unwrap();
        let mut instance = model.spawn(on(0)).unwrap();
        let x = floats(&[1, 3], &[1., 2., 3.]);
        let y = output(&fixture.run(&mut *instance, &[&[("x", &x)]], &["y"])[0], 0);
        cuda.lose_device(0);
        for _ in 0..2 {
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
            let error = answers[0].as_ref().err().unwrap();
            assert!(matches!(error, InferError::DeviceLost(_)), "{error}");
        }
        let error = model.spawn(on(0)).err().unwrap().to_string();
        assert!(error.starts_with("device cuda:0 is lost ("), "{error}");
        drop((instance, y));
        while !model.memory().is_empty() {
            std::thread::yield_now(); // The reaper drops the output.
        }
        assert_eq!(
            provider.count(Count::Sessions),
            1,
            "nobody calls the provider for a lost device"
        );
    });
}
