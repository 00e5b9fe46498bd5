//! What the devices say: from the environment, when the library is first initialised.
//!
//! `SOFTNVML_DEVICES` is how many there are, `SOFTNVML_INIT` what initialising gives (9: the driver is
//! not loaded). The others are a value for each device between commas, of which the last one holds for
//! those that follow: `SOFTNVML_POWER_MW=50000,-` is 50 W of device 0, and `-` what a device cannot
//! tell. `lost` is a device that is lost.

use std::env;

use crate::code::{Code, Result};

/// Something that a device can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// Bytes.
    MemoryTotal,
    /// Bytes.
    MemoryUsed,
    /// Percent of the time in which a kernel ran.
    Utilization,
    /// Percent of the time in which memory was read or written.
    MemoryUtilization,
    /// Milliwatts.
    Power,
    /// Milliwatts.
    PowerLimit,
    /// Millijoules since the driver was loaded.
    Energy,
}

/// Name and default, in the order of `Reading`.
const READINGS: [(&str, &str); 7] = [
    ("SOFTNVML_MEMORY_TOTAL_BYTES", "8589934592"),
    ("SOFTNVML_MEMORY_USED_BYTES", "0"),
    ("SOFTNVML_UTILIZATION_PERCENT", "0"),
    ("SOFTNVML_MEMORY_UTILIZATION_PERCENT", "0"),
    ("SOFTNVML_POWER_MW", "30000"),
    ("SOFTNVML_POWER_LIMIT_MW", "250000"),
    ("SOFTNVML_ENERGY_MJ", "0"),
];

/// More would be a mistake.
const DEVICES_MAX: u32 = 64;

pub(crate) struct Settings {
    pub(crate) devices: u32,
    /// What initialising gives.
    pub(crate) init: i32,
    readings: [String; READINGS.len()],
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self::new(|name| env::var(name).ok())
    }

    fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name| variable(name).and_then(|text| text.parse().ok());
        let devices = number("SOFTNVML_DEVICES").and_then(|count| u32::try_from(count).ok());
        Self {
            devices: devices.unwrap_or(1).min(DEVICES_MAX),
            init: number("SOFTNVML_INIT").unwrap_or(0),
            readings: READINGS.map(|(name, default)| variable(name).unwrap_or(default.into())),
        }
    }

    /// # Errors
    /// `NOT_SUPPORTED`, `GPU_IS_LOST`; `INVALID_ARGUMENT` of what is no number.
    pub(crate) fn read(&self, reading: Reading, device: u32) -> Result<u64> {
        let text = &self.readings[reading as usize];
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        let value = text.split(',').take(place.saturating_add(1)).last().unwrap_or_default();
        match value.trim() {
            "-" => Err(Code::NOT_SUPPORTED),
            "lost" => Err(Code::GPU_IS_LOST),
            number => number.parse().map_err(|_| Code::INVALID_ARGUMENT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_by_device_and_the_last_one_goes_on() {
        let settings = Settings::new(|name| match name {
            "SOFTNVML_DEVICES" => Some("3".into()),
            "SOFTNVML_POWER_MW" => Some("10, -,lost".into()),
            "SOFTNVML_ENERGY_MJ" => Some("five".into()),
            _ => None,
        });
        assert_eq!((settings.devices, settings.init), (3, 0));
        let power = |device| settings.read(Reading::Power, device);
        assert_eq!(power(0), Ok(10));
        assert_eq!(power(1), Err(Code::NOT_SUPPORTED));
        assert_eq!([power(2), power(3)], [Err(Code::GPU_IS_LOST); 2]);
        assert_eq!(settings.read(Reading::Energy, 0), Err(Code::INVALID_ARGUMENT));
        assert_eq!(settings.read(Reading::PowerLimit, 2), Ok(250_000));
    }
}
