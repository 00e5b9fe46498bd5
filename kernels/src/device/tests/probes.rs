//! What is told where there is no device.

use nereid_softcuda_harness::{run_with_broken_driver, run_without_driver};

use super::*;

#[test]
fn no_device_is_an_answer_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 0).run(|_| {
        let absence = probe(LIMITS).unwrap_err();
        assert_eq!(absence, Absence::NoDevice);
        let text = "the driver found no device; see nvidia-smi, and whether CUDA_VISIBLE_DEVICES \
                    hides it";
        assert_eq!(absence.to_string(), text);
    });
}

#[test]
fn no_library_is_an_answer() {
    run_without_driver(|| {
        let absence = probe(LIMITS).unwrap_err();
        assert_eq!(absence, Absence::NoLibrary);
        let text = "libcuda.so.1 was not found; install NVIDIA's driver, or give the container its \
                    GPUs";
        assert_eq!(absence.to_string(), text);
    });
}

#[test]
fn a_library_that_lacks_functions_is_an_answer() {
    run_with_broken_driver(|| {
        let text = probe(LIMITS).unwrap_err().to_string();
        assert!(text.starts_with("libcuda.so.1 lacks cuCtxGetStreamPriorityRange, "), "{text}");
        let end = "cuStreamWaitEvent; it is no driver from 525 on, or its files are mixed";
        assert!(text.ends_with(end), "{text}");
    });
}

#[test]
fn an_old_driver_is_an_answer_on_the_software_cuda_device() {
    SoftCuda::new().set("driver_version", 11_080).run(|_| {
        let absence = probe(LIMITS).unwrap_err();
        assert_eq!(absence, Absence::TooOld(11_080));
        let text = "the driver serves CUDA 11.8, and 12.0 is needed; install driver 525 or newer";
        assert_eq!(absence.to_string(), text);
    });
}

#[test]
fn a_device_that_is_lost_already_is_refused() {
    SoftCuda::new().set("devices", 2).run(|cuda| {
        cuda.lose_device(0);
        let devices = probe(LIMITS).unwrap();
        assert_eq!(devices.all().len(), 1);
        assert!(devices.get(0).is_none() && devices.get(1).is_some());
        let text = devices.refused()[0].to_string();
        assert!(text.starts_with("cuda:0: cu") && text.contains("CUDA_ERROR_ECC"), "{text}");
        cuda.lose_device(1);
        let text = probe(LIMITS).unwrap_err().to_string();
        assert!(text.starts_with("no device can be used: cuda:0: cu"), "{text}");
    });
}
