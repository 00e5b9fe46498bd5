//! Finds the CUDA devices at start, and tells in the log what there is, or why there is none; waits
//! at the end until they are left as they were found.

use std::time::Duration;

use nereid::options::{DeviceOptions, MetricsOptions};
use nereid_kernels::device::{Device, Devices, probe_each};
use nereid_kernels::nvml::Nvml;
use nereid_kernels::reaper::Ended;

/// Longest that the process waits for a device to be given back.
const END_MAX: Duration = Duration::from_secs(2);

/// What `main` hands down.
pub(crate) struct Gpus {
    /// Those that work.
    pub(crate) devices: Devices,
    /// Who watches them, if metrics want it.
    pub(crate) nvml: Option<Nvml>,
}

/// Costs a failed look-up of a library where there is no driver.
pub(crate) fn find(options: &DeviceOptions, metrics: &MetricsOptions) -> Gpus {
    match probe_each(|ordinal| options.limits(ordinal)) {
        Ok(devices) => {
            for device in devices.all() {
                let (major, minor) = device.compute_capability();
                tracing::info!("{device:?}: compute capability {major}.{minor}, {}", device.uuid());
            }
            for refused in devices.refused() {
                tracing::warn!("not used: {refused}");
            }
            for (one, two) in devices.apart() {
                tracing::warn!("{one} has no access to {two}: copies go by way of the host");
            }
            let nvml = metrics.allow_gpu_metrics.then(|| watch(&devices)).flatten();
            Gpus { devices, nvml }
        }
        Err(absence) => {
            tracing::info!("no CUDA: {absence}");
            Gpus { devices: Devices::absent(absence), nvml: None }
        }
    }
}

/// The ends of the devices' threads, which come when nobody has the devices any more.
pub(crate) fn ends(devices: &Devices) -> Vec<Ended> {
    devices.all().iter().map(|device| device.reaper().ended()).collect()
}

/// Waits for them.
pub(crate) fn wait(ends: &[Ended]) {
    if !ends.iter().all(|end| end.wait(END_MAX)) {
        tracing::warn!("a device is still in use and ends with the process");
    }
}

fn watch(devices: &Devices) -> Option<Nvml> {
    let devices: &[Device] = devices.all();
    Nvml::open(devices).inspect_err(|error| tracing::warn!("no metrics of GPUs: {error}")).ok()
}
