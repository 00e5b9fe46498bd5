//! A device that fails: the request is told, nothing leaks, and the next one is served.

use super::*;

/// The answer to one request of a model of `detection`, whose device fails as `option` says at the
/// `nth` chance; and whether it had one.
fn with_fault(bench: &Bench<'_>, option: &str, nth: u64) -> Answer {
    let (mut model, inputs) = detector(bench, 0, true);
    let cuda = bench.cuda.unwrap();
    cuda.set(option, nth);
    let answer =
        model.run_rows(vec![(NonZeroUsize::MIN, inputs.clone())], &Arc::default()).remove(0);
    cuda.set(option, 0);
    if !matches!(answer, Err(InferError::DeviceLost(_))) {
        let next = model.run_rows(vec![(NonZeroUsize::MIN, inputs)], &Arc::default()).remove(0);
        assert!(next.is_ok(), "after {option} at {nth}: {next:?}");
    }
    answer
}

#[test]
fn no_memory_for_any_of_it_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let bench = Bench::new(Some(cuda));
        let failed = (1..).take_while(|&nth| {
            let answer = with_fault(&bench, "fail_allocation", nth);
            let Err(error) = &answer else { return false };
            let text = error.to_string();
            assert!(matches!(error, InferError::Overloaded(_)), "{text}");
            assert!(text.contains("memory of cuda:0: m asked for"), "{text}");
            true
        });
        // Two inputs, faults, the transform, three of candidates, two of the order, five of what is
        // kept, but the host's memory only where no block is kept.
        let count = failed.count();
        assert!((14..=18).contains(&count), "{count} allocations");
    });
}

#[test]
fn no_launch_of_any_of_it_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let bench = Bench::new(Some(cuda));
        let failed = (1..).take_while(|&nth| with_fault(&bench, "fail_launch", nth).is_err());
        // Letterbox, decoding, order, suppression.
        assert_eq!(failed.count(), 4);
    });
}

#[test]
fn a_device_that_is_lost_in_a_kernel_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        let bench = Bench::new(Some(cuda));
        let answer = with_fault(&bench, "fail_kernel", 3);
        assert!(matches!(answer, Err(InferError::DeviceLost(_))), "{answer:?}");
    });
}
