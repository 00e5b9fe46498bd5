//! What fails on the device fails its request, or its load, with a clear text; others are served, nothing
//! leaks, and what was copied is counted all the same.

use axum::body::Bytes;
use nereid_softcuda_harness::{Library, SoftCuda};

use crate::client::{Answer, Asked, jpeg};
use crate::repository::{Model, Seed, on_cpu};
use crate::world::World;

/// The pipeline beside a model on the CPU, and what is asked of it.
struct Case {
    models: Vec<Model>,
    asked: Asked,
    expected: Bytes,
    /// If nvJPEG has no memory, the CPU decodes, whose levels are a little different.
    decoded_on_cpu: Bytes,
    from_cpu: Answer,
}

impl Case {
    fn new(cuda: &Library) -> Self {
        let asked = Asked::image("seed", &jpeg(64, 36), &["OUTPUT"]);
        let answers = |seed: &Seed| {
            let models: Vec<_> = seed.models().into_iter().chain([on_cpu()]).collect();
            let world = World::serving(cuda, &models);
            let (output, from_cpu) = (world.ask(&asked), world.ask(&Asked::on_cpu()));
            (models, output.output("OUTPUT").clone(), from_cpu)
        };
        let (_, decoded_on_cpu, _) = answers(&Seed { decoder: "cpu", ..Seed::small() });
        let (models, expected, from_cpu) = answers(&Seed::small());
        assert!(from_cpu.is_ok() && expected != decoded_on_cpu);
        Self { models, asked, expected, decoded_on_cpu, from_cpu }
    }

    /// Asks for both at the same time. The CPU's answer is right; the pipeline's, if it is one.
    fn ask_beside_the_cpu(&self, world: &World<'_>) -> Answer {
        let (sent, on_cpu) = (world.send(&self.asked), world.send(&Asked::on_cpu()));
        assert_eq!(world.answer(on_cpu), self.from_cpu);
        let answer = world.answer(sent);
        if answer.is_ok() {
            let output = answer.output("OUTPUT");
            assert!([&self.expected, &self.decoded_on_cpu].contains(&output), "wrong bytes");
        }
        answer
    }

    /// All is well.
    fn check_next(&self, world: &World<'_>) {
        let answer = self.ask_beside_the_cpu(world);
        assert_eq!(*answer.output("OUTPUT"), self.expected);
        world.check_counts();
    }
}

/// Does `work` while the `nth` thing of this kind from now is to fail; what it gave, and whether that
/// came.
fn failing<T>(cuda: &Library, option: &str, nth: u64, work: impl FnOnce() -> T) -> (T, bool) {
    cuda.set(option, nth);
    let result = work();
    let has_come = cuda.option(option) == 0;
    cuda.set(option, 0);
    (result, has_come)
}

#[test]
fn out_of_memory_at_each_allocation_of_a_request_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let case = Case::new(cuda);
        let (mut failed, mut decoded_on_cpu) = (0, 0);
        for nth in 1.. {
            let world = World::serving(cuda, &case.models); // Anew, without memory that was kept.
            let ask = || case.ask_beside_the_cpu(&world);
            let (answer, has_come) = failing(cuda, "fail_allocation", nth, ask);
            if answer.is_ok() {
                decoded_on_cpu += u32::from(*answer.output("OUTPUT") == case.decoded_on_cpu);
            } else {
                failed += 1;
                let Answer { status, error, .. } = &answer;
                assert!(error.starts_with("in ensemble 'seed', step "), "{nth}: {error}");
                let is_told = error.contains(" memory of cuda:0: ")
                    && error.contains("; the driver has no more: cuMem");
                assert!(*status == 503 && is_told, "{nth}: {status} {error}");
            }
            case.check_next(&world);
            if !has_come {
                assert!(answer.is_ok());
                break;
            }
        }
        // The pixels, the tensor, nine nets, the joined, and pinned memory for it; nvJPEG's two buffers.
        assert_eq!((failed, decoded_on_cpu), (13, 2));
    });
}

/// Variables of kernels are allocated for the first model, of whatever engine: the first one and the last one
/// fail here.
#[test]
fn out_of_memory_for_kernels_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let case = Case::new(cuda);
        let before = cuda.count("allocations");
        World::new(cuda, &case.models).load("prepare").unwrap();
        let all = cuda.count("allocations") - before;
        for nth in [1, all] {
            let world = World::new(cuda, &case.models); // Anew, without kernels that are there.
            let load = || world.load("prepare");
            let (loaded, has_come) = failing(cuda, "fail_allocation", nth, load);
            let error = loaded.unwrap_err();
            assert!(has_come && error.contains("the kernels do not load on cuda:0: "), "{error}");
            case.models.iter().for_each(|model| world.load(&model.name).unwrap());
            case.check_next(&world);
        }
    });
}

#[test]
fn out_of_memory_at_each_allocation_of_a_load_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let case = Case::new(cuda);
        let mut failed = 0;
        for nth in 1.. {
            let world = World::new(cuda, &case.models);
            world.load("on_cpu").unwrap();
            world.load("prepare").unwrap(); // It has the kernels.
            let load = || case.models.iter().map(|model| world.load(&model.name)).collect();
            let (loaded, has_come): (Vec<_>, _) = failing(cuda, "fail_allocation", nth, load);
            let errors: Vec<_> = loaded.into_iter().filter_map(Result::err).collect();
            if has_come {
                failed += 1;
                let [error] = &errors[..] else { panic!("{nth}: one model fails: {errors:#?}") };
                assert!(error.contains("cuMemAlloc_v2: CUresult 2"), "{nth}: {error}");
            }
            // Who loads an ensemble has loaded the missing step again.
            case.check_next(&world);
            if !has_come {
                assert_eq!(errors, [""; 0]);
                break;
            }
        }
        // Of each plan the engine that is looked into, the one that stays, and its context.
        assert_eq!(failed, 3 * 9);
    });
}

#[test]
fn out_of_memory_at_each_allocation_of_a_reload_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let case = Case::new(cuda);
        let world = World::serving(cuda, &case.models);
        for nth in 1..=3 {
            let reload = || world.load("one");
            let (loaded, has_come) = failing(cuda, "fail_allocation", nth, reload);
            let error = loaded.unwrap_err();
            assert!(has_come && error.contains("cuMemAlloc_v2: CUresult 2"), "{error}");
            case.check_next(&world); // By the version that is there.
        }
        world.load("one").unwrap();
        case.check_next(&world);
    });
}

#[test]
fn each_launch_that_fails_fails_its_request_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let case = Case::new(cuda);
        let world = World::serving(cuda, &case.models);
        let mut failed = 0;
        for nth in 1.. {
            let ask = || case.ask_beside_the_cpu(&world);
            let (answer, has_come) = failing(cuda, "fail_launch", nth, ask);
            case.check_next(&world);
            if !has_come {
                assert!(answer.is_ok());
                break;
            }
            failed += 1;
            let Answer { status, error, .. } = answer;
            assert!(error.starts_with("in ensemble 'seed', step "), "{nth}: {error}");
            let is_told = error.ends_with("cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES")
                || error
                    .ends_with("IExecutionContext::enqueueV3 failed: cuLaunchKernel: CUresult 701");
            assert!(status == 500 && is_told, "{nth}: {status} {error}");
        }
        assert_eq!(failed, 11, "the picture, nine nets, and what joins them");
    });
}

/// Loses the device while a request is on it.
fn check_lost(cuda: &Library, lose: impl FnOnce(&Case, &World<'_>) -> Answer) {
    let case = Case::new(cuda);
    let world = World::serving(cuda, &case.models);
    case.check_next(&world);
    assert_eq!(world.status("/v2/health/live"), 200);
    let answer = lose(&case, &world);
    for answer in [answer, case.ask_beside_the_cpu(&world)] {
        let Answer { status, error, .. } = answer;
        assert!(status == 503 && error.contains("device cuda:0 is lost ("), "{status} {error}");
    }
    assert_eq!(world.status("/v2/health/live"), 400);
    for Model { name, .. } in &case.models {
        let expected = if name == "on_cpu" { 200 } else { 400 };
        assert_eq!(world.status(&format!("/v2/models/{name}/ready")), expected, "{name}");
    }
    let error = world.load("one").unwrap_err();
    assert!(error.contains("device cuda:0 is lost ("), "{error}");
    assert_eq!(world.ask(&Asked::on_cpu()), case.from_cpu);
    world.check_counts();
}

#[test]
fn a_device_that_a_kernel_loses_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().loses_nvjpeg().run(|cuda| {
        check_lost(cuda, |case, world| {
            let ask = || case.ask_beside_the_cpu(world);
            let (answer, has_come) = failing(cuda, "fail_kernel", 5, ask);
            assert!(has_come);
            answer
        });
    });
}

#[test]
fn a_device_that_is_lost_between_two_steps_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().loses_nvjpeg().run(|cuda| {
        check_lost(cuda, |case, world| {
            let held = cuda.hold("model");
            let sent = world.send(&case.asked);
            held.await_standing();
            cuda.lose_device(0);
            drop(held);
            world.answer(sent)
        });
    });
}
