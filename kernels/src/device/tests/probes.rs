//! What is told where there is no device.

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
