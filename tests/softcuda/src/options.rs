//! What a test asks of the device: from the environment when the library is loaded, as
//! `SOFTCUDA_DELAY_US`, and later by `softcuda_set("delay_us", …)`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::code::{Code, Result};

/// More would let a test wait for its threads.
pub(crate) const DEVICES_MAX: u64 = 64;

/// An option of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Setting {
    /// How many devices there are; read by `cuInit`.
    Devices,
    /// What CUDA the driver says that it serves, as 1000 * major + 10 * minor.
    DriverVersion,
    /// Memory of each device.
    MemoryBytes,
    /// 0: kernels reach no other device's memory, whatever the program asks for.
    PeerAccess,
    /// Before each piece of work a stream waits up to so long, to show orders that speed hides.
    DelayMicroseconds,
    /// Not 0: a stream works only as far as somebody waits for it.
    RunsWhenAwaited,
    /// 0: threads of a kernel that meet in the same bytes are not looked for.
    CheckRaces,
    /// The n-th allocation from now fails, once, whether of a device or pinned.
    FailAllocation,
    /// The n-th launch from now is refused, once; the context lives on.
    FailLaunch,
    /// The n-th kernel from now fails while it runs: its context is lost.
    FailKernel,
}

/// Name and default, in the order of `Setting`.
const SETTINGS: [(&str, u64); 10] = [
    ("devices", 1),
    ("driver_version", 12_090), // It takes PTX up to 8.8.
    ("memory_bytes", 8 << 30),
    ("peer_access", 1),
    ("delay_us", 0),
    ("run_when_awaited", 0),
    ("check_races", 1),
    ("fail_allocation", 0),
    ("fail_launch", 0),
    ("fail_kernel", 0),
];

/// The options as they are now.
pub(crate) struct Options([AtomicU64; SETTINGS.len()]);

impl Options {
    /// Those of the environment; what is no number there counts as not set.
    pub(crate) fn from_environment() -> Self {
        Self(SETTINGS.map(|(name, default)| {
            let variable = format!("SOFTCUDA_{}", name.to_uppercase());
            let given = std::env::var(variable).ok().and_then(|value| value.parse().ok());
            AtomicU64::new(given.unwrap_or(default))
        }))
    }

    pub(crate) fn get(&self, setting: Setting) -> u64 {
        self.0[setting as usize].load(Ordering::Relaxed)
    }

    /// # Errors
    /// `NOT_FOUND` if there is none of that name.
    pub(crate) fn set(&self, name: &str, value: u64) -> Result<()> {
        let place = SETTINGS.iter().position(|(known, _)| *known == name).ok_or(Code::NOT_FOUND)?;
        self.0[place].store(value, Ordering::Relaxed);
        Ok(())
    }

    /// The option of that name.
    pub(crate) fn named(&self, name: &str) -> Option<u64> {
        let place = SETTINGS.iter().position(|(known, _)| *known == name)?;
        Some(self.0[place].load(Ordering::Relaxed))
    }

    /// Whether this is the time that the test asked to fail.
    pub(crate) fn fails(&self, setting: Setting) -> bool {
        let countdown = &self.0[setting as usize];
        let before = countdown
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        before == Ok(1)
    }
}
