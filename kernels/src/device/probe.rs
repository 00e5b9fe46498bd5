//! What CUDA there is. None at all is an ordinary answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;

use super::sys::{self, library};
use super::{Device, DeviceError};

/// Kernels are PTX ISA 8.0, which drivers take from this CUDA on, as 1000 * major + 10 * minor.
/// (PTX ISA, "Release Notes"; CUDA 12.0 came with driver 525.)
const VERSION_MIN: i32 = 12_000;

/// How much memory may be in use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of each device; all that it has, if it is not said.
    pub memory_bytes: Option<usize>,
    /// Pinned memory of the host, for each device.
    pub pinned_bytes: usize,
}

/// The devices that are there and work, handed down from `main`. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Devices {
    all: Arc<[Device]>,
    refused: Arc<[DeviceError]>,
    /// Pairs of which the first does not reach the second's memory.
    apart: Arc<[(DeviceId, DeviceId)]>,
    /// Why there are none.
    absence: Option<Absence>,
}

/// Why there is no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// Nobody looked for one.
    #[error("this process does not look for devices")]
    NotLooked,
    /// There is no library of a driver.
    #[error("libcuda.so.1 was not found; install NVIDIA's driver, or give the container its GPUs")]
    NoLibrary,
    /// There is one that lacks functions.
    #[error("libcuda.so.1 lacks {0}; it is no driver from 525 on, or its files are mixed")]
    Broken(String),
    /// The driver serves no CUDA 12.
    #[error(
        "the driver serves CUDA {}.{}, and 12.0 is needed; install driver 525 or newer",
        .0 / 1000, .0 % 1000 / 10
    )]
    TooOld(i32),
    /// The driver is there, and no device.
    #[error(
        "the driver found no device; see nvidia-smi, and whether CUDA_VISIBLE_DEVICES hides it"
    )]
    NoDevice,
    /// There are devices, but none that can be used: why, for each.
    #[error("no device can be used: {0}")]
    NoneUsable(String),
    /// The driver does not start.
    #[error("the driver does not start: {0}; see nvidia-smi and the kernel's log")]
    Driver(String),
}

/// Opens the driver and all its devices. Costs a failed look-up where there is no driver.
///
/// # Errors
/// [`Absence`], in one line.
pub fn probe(limits: Limits) -> Result<Devices, Absence> {
    probe_each(|_| limits)
}

/// As [`probe`], with the limits of each ordinal.
///
/// # Errors
/// [`Absence`], in one line.
pub fn probe_each(limits: impl Fn(u32) -> Limits) -> Result<Devices, Absence> {
    // cudarc panics where it does not find what it needs; all of it was looked up, but a panic here
    // must not end a server of CPU models.
    catch_unwind(AssertUnwindSafe(|| find(&limits))).unwrap_or_else(|_logged| {
        Err(Absence::Broken("what cudarc needs; the log has more".into()))
    })
}

impl Devices {
    /// Those that work, by their ordinals.
    pub fn all(&self) -> &[Device] {
        &self.all
    }

    /// The device of this ordinal.
    pub fn get(&self, ordinal: u32) -> Option<&Device> {
        let id = DeviceId::Cuda(ordinal);
        self.all.iter().find(|device| device.id() == id)
    }

    /// None at all, for this reason.
    pub fn absent(absence: Absence) -> Self {
        let (all, refused, apart) = (Arc::default(), Arc::default(), Arc::default());
        Self { all, refused, apart, absence: Some(absence) }
    }

    /// The device that an instance is to run on.
    ///
    /// # Errors
    /// When it is not there: which there are, or why there are none.
    pub fn find(&self, id: DeviceId) -> Result<&Device, LoadError> {
        if let Some(device) = self.all.iter().find(|device| device.id() == id) {
            return Ok(device);
        }
        let reason = if let Some(absence) = &self.absence {
            format!("no CUDA: {absence}")
        } else {
            let all = self.all.iter().map(|device| format!("{device:?}")).collect::<Vec<_>>();
            let refused = self.refused.iter().map(|error| format!("not used: {error}"));
            let reasons = std::iter::once(format!("there is {}", all.join(", "))).chain(refused);
            reasons.collect::<Vec<_>>().join("; ")
        };
        Err(LoadError::new(format!("device {id} is not there: {reason}")))
    }

    /// Their ordinals.
    pub fn ordinals(&self) -> Vec<u32> {
        let ordinal = |device: &Device| match device.id() {
            DeviceId::Cuda(ordinal) => Some(ordinal),
            DeviceId::Cpu => None,
        };
        self.all.iter().filter_map(ordinal).collect()
    }

    /// Pairs of devices of which the first does not reach the second's memory: what is copied between
    /// them, the driver brings by way of the host.
    pub fn apart(&self) -> &[(DeviceId, DeviceId)] {
        &self.apart
    }

    /// Why the others do not.
    pub fn refused(&self) -> &[DeviceError] {
        &self.refused
    }
}

fn find(limits: &impl Fn(u32) -> Limits) -> Result<Devices, Absence> {
    if !library::is_present() {
        return Err(Absence::NoLibrary);
    }
    let missing = library::missing();
    if !missing.is_empty() {
        return Err(Absence::Broken(missing.join(", ")));
    }
    let version = library::version().map_err(|failure| Absence::Driver(failure.to_string()))?;
    if version < VERSION_MIN {
        return Err(Absence::TooOld(version));
    }
    let count = library::init().and_then(|()| library::device_count()).map_err(absence)?;
    let (mut devices, mut refused) = (Vec::new(), Vec::new());
    for ordinal in 0..count {
        match Device::open(ordinal, &limits(ordinal)) {
            Ok(device) => devices.push(device),
            Err(error) => refused.push(error),
        }
    }
    if !devices.is_empty() {
        let apart = join(&devices).into();
        let (all, refused) = (devices.into(), refused.into());
        return Ok(Devices { all, refused, apart, absence: None });
    }
    let reasons: Vec<_> = refused.iter().map(DeviceError::to_string).collect();
    Err(if reasons.is_empty() {
        Absence::NoDevice
    } else {
        Absence::NoneUsable(reasons.join("; "))
    })
}

/// Lets devices copy from each other's memory without a way by the host, where they can; the pairs that
/// cannot. Kernels read their own device's memory all the same ([`super::DeviceBuffer::read`]).
fn join(devices: &[Device]) -> Vec<(DeviceId, DeviceId)> {
    let pairs = devices.iter().flat_map(|one| devices.iter().map(move |two| (one, two)));
    let others = pairs.filter(|(one, two)| one.id() != two.id());
    let apart = others.filter(|(one, two)| {
        let can_reach = one.context().can_reach(two.context()).unwrap_or(false);
        !(can_reach && two.pool().open_to(one.context()).is_ok())
    });
    apart.map(|(one, two)| (one.id(), two.id())).collect()
}

fn absence(failure: sys::Failure) -> Absence {
    if failure.is_no_device() { Absence::NoDevice } else { Absence::Driver(failure.to_string()) }
}
