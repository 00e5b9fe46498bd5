//! What GPUs tell of themselves by NVML, the library behind `nvidia-smi`: load, memory, power.
//!
//! A binding of our own: ten functions of a stable C interface, opened at run time. The crate
//! `nvml-wrapper` looks up all three hundred, and brings ten crates, of which two a second time.

mod sys;

use crate::device::Device;

/// NVML, and the devices that are watched.
pub struct Nvml {
    functions: sys::Functions,
    devices: Vec<Watched>,
}

struct Watched {
    handle: sys::Handle,
    uuid: String,
    /// What it had used when the watch began.
    millijoules_before: Option<u64>,
}

/// Why nothing is told of the GPUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NvmlError {
    /// There is no such library, or it lacks a function.
    #[error("libnvidia-ml.so.1: {0}; a container needs the driver capability `utility` for it")]
    Library(String),
    /// A call that failed, with its code.
    #[error("{0} failed with {1}; see nvidia-smi")]
    Call(&'static str, i32),
}

/// What a device tells now; `None` is what it cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// As [`Device::uuid`].
    pub uuid: String,
    /// The part of the last sample period in which a kernel ran, from 0 to 1.
    pub utilization: Option<f64>,
    /// All of its memory, in bytes.
    pub memory_total_bytes: Option<u64>,
    /// What of it is used, by whomever, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// In watts.
    pub power_watts: Option<f64>,
    /// What it may draw, in watts.
    pub power_limit_watts: Option<f64>,
    /// What it has used since the watch began, in joules.
    pub energy_joules: Option<f64>,
}

impl Nvml {
    /// Watches `devices` from now on.
    ///
    /// # Errors
    /// Where there is no NVML, or it does not start: one line.
    pub fn open(devices: &[Device]) -> Result<Self, NvmlError> {
        let uuids: Vec<_> = devices.iter().map(Device::uuid).collect();
        Self::watch(sys::Functions::open().map_err(NvmlError::Library)?, &uuids)
    }

    fn watch(functions: sys::Functions, uuids: &[String]) -> Result<Self, NvmlError> {
        functions.init()?;
        // From here on a drop shuts it down.
        let mut nvml = Self { functions, devices: Vec::new() };
        for index in 0..nvml.functions.device_count()? {
            let handle = nvml.functions.device(index)?;
            let uuid = nvml.functions.uuid(handle)?;
            if uuids.contains(&uuid) {
                let millijoules_before = nvml.functions.energy_millijoules(handle).ok();
                nvml.devices.push(Watched { handle, uuid, millijoules_before });
            }
        }
        Ok(nvml)
    }

    /// What each watched device tells now. Takes up to some milliseconds for each.
    pub fn read(&self) -> Vec<Reading> {
        self.devices.iter().map(|device| self.read_one(device)).collect()
    }

    fn read_one(&self, device: &Watched) -> Reading {
        let (functions, handle) = (&self.functions, device.handle);
        let memory = functions.memory(handle).ok();
        let energy = functions.energy_millijoules(handle).ok().zip(device.millijoules_before);
        Reading {
            uuid: device.uuid.clone(),
            utilization: functions.busy_percent(handle).ok().map(|busy| f64::from(busy) / 100.0),
            memory_total_bytes: memory.map(|memory| memory.total),
            memory_used_bytes: memory.map(|memory| memory.used),
            power_watts: functions.power_milliwatts(handle).ok().map(thousandth),
            power_limit_watts: functions.power_limit_milliwatts(handle).ok().map(thousandth),
            energy_joules: energy.map(|(now, before)| joules(now.saturating_sub(before))),
        }
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        self.functions.shutdown();
    }
}

fn thousandth(value: u32) -> f64 {
    f64::from(value) / 1e3
}

#[allow(clippy::cast_precision_loss)] // Not below 285 years at a kilowatt.
fn joules(millijoules: u64) -> f64 {
    millijoules as f64 / 1e3
}

#[cfg(test)]
mod tests;
