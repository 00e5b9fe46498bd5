//! Execution providers of other libraries: ONNX Runtime opens them, and asks which devices they have.

use std::ffi::CStr;
use std::path::Path;

use nereid_backend::device::DeviceId;
use ort::environment::Environment;
use ort::sys::{OrtDeviceMemoryType, OrtEpDevice, OrtMemoryInfoDeviceType};
use ort::{AsPointer, Error, Result, ortsys};

/// By this name ONNX Runtime knows the library.
const REGISTERED: &str = "nereid";

/// A library that is open until the process ends, and what it offers.
#[derive(Debug)]
pub(crate) struct Plugin {
    provider: String,
    devices: Vec<(DeviceId, *const OrtEpDevice)>,
}

// SAFETY: the devices are of the environment, read only, and of no thread.
unsafe impl Send for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}

impl Plugin {
    /// Opens the library, once in a process.
    ///
    /// # Errors
    /// What ONNX Runtime says, or that it offers no GPU.
    pub(crate) fn open(environment: &Environment, library: &Path) -> Result<Self> {
        let before: Vec<_> = environment.devices().map(|device| device.ptr()).collect();
        environment.register_ep_library(REGISTERED, library)?;
        let mut plugin = Self { provider: String::new(), devices: Vec::new() };
        for device in environment.devices().map(|device| device.ptr()) {
            let id = if before.contains(&device) { None } else { gpu(device)? };
            let Some(id) = id else { continue };
            // SAFETY: the device is alive, and its name a C string that lives as long.
            let name = ortsys![unsafe EpDevice_EpName(device)];
            // SAFETY: see above.
            plugin.provider = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
            plugin.devices.push((id, device));
        }
        if plugin.devices.is_empty() {
            return Err(Error::new("it offers no GPU"));
        }
        Ok(plugin)
    }

    /// What its execution provider is called.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// What stands for a device.
    ///
    /// # Errors
    /// If it does not offer it: which it does.
    pub(super) fn device(&self, id: DeviceId) -> Result<*const OrtEpDevice> {
        let found = self.devices.iter().find(|(other, _)| *other == id);
        found.map(|(_, device)| *device).ok_or_else(|| {
            let all: Vec<_> = self.devices.iter().map(|(id, _)| id.to_string()).collect();
            Error::new(format!("{} offers {}, not {id}", self.provider, all.join(", ")))
        })
    }
}

/// Which GPU a provider's device is, by where its memory is; `None` for one that is none.
fn gpu(device: *const OrtEpDevice) -> Result<Option<DeviceId>> {
    let kind = OrtDeviceMemoryType::OrtDeviceMemoryType_DEFAULT;
    // SAFETY: the device is alive, and so is what is told of it.
    let memory = ortsys![unsafe EpDevice_MemoryInfo(device, kind)];
    if memory.is_null() {
        return Ok(None);
    }
    let (mut side, mut ordinal) = (OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_CPU, 0);
    // SAFETY: see above.
    ortsys![unsafe MemoryInfoGetDeviceType(memory, &raw mut side)];
    // SAFETY: see above.
    ortsys![unsafe MemoryInfoGetId(memory, &raw mut ordinal)?];
    let is_gpu = side == OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_GPU;
    Ok(u32::try_from(ordinal).ok().filter(|_| is_gpu).map(DeviceId::Cuda))
}
