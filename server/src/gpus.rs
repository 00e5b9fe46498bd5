//! Finds the CUDA devices at start, and tells in the log what there is, or why there is none.

use nereid::options::MetricsOptions;
use nereid_kernels::device::{Devices, Limits, probe};
use nereid_kernels::nvml::Nvml;

/// Triton's default of `--pinned-memory-pool-byte-size`, here for each device.
const PINNED_BYTES_MAX: usize = 256 << 20;

/// What `main` hands down.
pub(crate) struct Gpus {
    /// Those that work; no engine takes them yet.
    pub(crate) _devices: Option<Devices>,
    /// Who watches them, if metrics want it.
    pub(crate) nvml: Option<Nvml>,
}

/// Costs a failed look-up of a library where there is no driver.
pub(crate) fn find(options: &MetricsOptions) -> Gpus {
    match probe(Limits { memory_bytes: None, pinned_bytes: PINNED_BYTES_MAX }) {
        Ok(devices) => {
            for device in devices.all() {
                let (major, minor) = device.compute_capability();
                tracing::info!("{device:?}: compute capability {major}.{minor}, {}", device.uuid());
            }
            for refused in devices.refused() {
                tracing::warn!("not used: {refused}");
            }
            let nvml = options.allow_gpu_metrics.then(|| watch(&devices)).flatten();
            Gpus { _devices: Some(devices), nvml }
        }
        Err(absence) => {
            tracing::info!("no CUDA: {absence}");
            Gpus { _devices: None, nvml: None }
        }
    }
}

fn watch(devices: &Devices) -> Option<Nvml> {
    Nvml::open(devices.all())
        .inspect_err(|error| tracing::warn!("no metrics of GPUs: {error}"))
        .ok()
}
