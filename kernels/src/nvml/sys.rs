//! NVML's functions, by the names and types of `nvml.h`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};

use super::NvmlError;

/// `nvmlReturn_t`; 0 is success.
type Code = i32;

/// `nvmlDevice_t`, valid until NVML is shut down.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Handle(*mut c_void);

// SAFETY: "NVML is thread-safe" (NVML API Reference), and a handle is but a name.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

/// `nvmlMemory_v2_t`: `used` leaves out what the driver keeps for itself.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Memory {
    version: u32,
    pub(super) total: u64,
    reserved: u64,
    free: u64,
    pub(super) used: u64,
}

/// `nvmlUtilization_t`, in percent.
#[derive(Default)]
#[repr(C)]
pub(super) struct Utilization {
    pub(super) gpu: u32,
    pub(super) memory: u32,
}

/// `NVML_STRUCT_VERSION(Memory, 2)`: the version above the size.
const MEMORY_VERSION: u32 = 0x0200_0028;
/// `NVML_DEVICE_UUID_V2_BUFFER_SIZE`.
const UUID_BYTES: usize = 96;

const _: () = assert!(size_of::<Memory>() == 40);

/// Where the functions are; the library stays open with them.
pub(super) struct Functions {
    pub(super) init: unsafe extern "C" fn() -> Code,
    pub(super) shutdown: unsafe extern "C" fn() -> Code,
    pub(super) count: unsafe extern "C" fn(*mut u32) -> Code,
    pub(super) by_index: unsafe extern "C" fn(u32, *mut Handle) -> Code,
    pub(super) uuid: unsafe extern "C" fn(Handle, *mut c_char, u32) -> Code,
    pub(super) utilization: unsafe extern "C" fn(Handle, *mut Utilization) -> Code,
    pub(super) memory: unsafe extern "C" fn(Handle, *mut Memory) -> Code,
    pub(super) power: unsafe extern "C" fn(Handle, *mut u32) -> Code,
    pub(super) power_limit: unsafe extern "C" fn(Handle, *mut u32) -> Code,
    pub(super) energy: unsafe extern "C" fn(Handle, *mut u64) -> Code,
    pub(super) _library: Option<libloading::Library>,
}

impl Functions {
    /// # Errors
    /// If the library is not there, or lacks one.
    pub(super) fn open() -> Result<Self, String> {
        // SAFETY: initialisers of NVML have no demands.
        let library = unsafe { libloading::Library::new("libnvidia-ml.so.1") };
        let library = library.map_err(|error| error.to_string())?;
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: the field has the type that `nvml.h` gives the function of this name.
                *unsafe { library.get($name) }.map_err(|error| error.to_string())?
            };
        }
        Ok(Self {
            init: function!("nvmlInit_v2"),
            shutdown: function!("nvmlShutdown"),
            count: function!("nvmlDeviceGetCount_v2"),
            by_index: function!("nvmlDeviceGetHandleByIndex_v2"),
            uuid: function!("nvmlDeviceGetUUID"),
            utilization: function!("nvmlDeviceGetUtilizationRates"),
            memory: function!("nvmlDeviceGetMemoryInfo_v2"),
            power: function!("nvmlDeviceGetPowerUsage"),
            power_limit: function!("nvmlDeviceGetPowerManagementLimit"),
            energy: function!("nvmlDeviceGetTotalEnergyConsumption"),
            _library: Some(library),
        })
    }

    pub(super) fn init(&self) -> Result<(), NvmlError> {
        // SAFETY: it has no demands.
        checked("nvmlInit", unsafe { (self.init)() })
    }

    pub(super) fn shutdown(&self) {
        // SAFETY: it was started, and this ends it; the handles end with their owner.
        let _nobody_is_left_to_be_told = unsafe { (self.shutdown)() };
    }

    pub(super) fn device_count(&self) -> Result<u32, NvmlError> {
        told("nvmlDeviceGetCount", |count: *mut u32| {
            // SAFETY: the count goes to a number of ours.
            unsafe { (self.count)(count) }
        })
    }

    pub(super) fn device(&self, index: u32) -> Result<Handle, NvmlError> {
        let mut handle = Handle(std::ptr::null_mut());
        // SAFETY: the handle goes to a place of ours.
        let code = unsafe { (self.by_index)(index, &raw mut handle) };
        checked("nvmlDeviceGetHandleByIndex", code).map(|()| handle)
    }

    pub(super) fn uuid(&self, device: Handle) -> Result<String, NvmlError> {
        let mut text = [0_u8; UUID_BYTES];
        let capacity = u32::try_from(text.len()).unwrap_or(0);
        // SAFETY: the text has as much room as is said.
        let code = unsafe { (self.uuid)(device, text.as_mut_ptr().cast(), capacity) };
        checked("nvmlDeviceGetUUID", code)?;
        let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        Ok(text.to_string_lossy().into_owned())
    }

    pub(super) fn busy_percent(&self, device: Handle) -> Result<u32, NvmlError> {
        let told = told("nvmlDeviceGetUtilizationRates", |rates: *mut Utilization| {
            // SAFETY: the rates go to a place of ours.
            unsafe { (self.utilization)(device, rates) }
        });
        told.map(|rates| rates.gpu)
    }

    pub(super) fn memory(&self, device: Handle) -> Result<Memory, NvmlError> {
        let mut memory = Memory { version: MEMORY_VERSION, ..Memory::default() };
        // SAFETY: the structure is of the version that it says.
        let code = unsafe { (self.memory)(device, &raw mut memory) };
        checked("nvmlDeviceGetMemoryInfo", code).map(|()| memory)
    }

    pub(super) fn power_milliwatts(&self, device: Handle) -> Result<u32, NvmlError> {
        told("nvmlDeviceGetPowerUsage", |power: *mut u32| {
            // SAFETY: the power goes to a number of ours.
            unsafe { (self.power)(device, power) }
        })
    }

    pub(super) fn power_limit_milliwatts(&self, device: Handle) -> Result<u32, NvmlError> {
        told("nvmlDeviceGetPowerManagementLimit", |limit: *mut u32| {
            // SAFETY: the limit goes to a number of ours.
            unsafe { (self.power_limit)(device, limit) }
        })
    }

    pub(super) fn energy_millijoules(&self, device: Handle) -> Result<u64, NvmlError> {
        told("nvmlDeviceGetTotalEnergyConsumption", |energy: *mut u64| {
            // SAFETY: the energy goes to a number of ours.
            unsafe { (self.energy)(device, energy) }
        })
    }
}

/// What a function writes to the place that it is given.
fn told<T: Default>(
    call: &'static str,
    function: impl FnOnce(*mut T) -> Code,
) -> Result<T, NvmlError> {
    let mut value = T::default();
    checked(call, function(&raw mut value)).map(|()| value)
}

fn checked(call: &'static str, code: Code) -> Result<(), NvmlError> {
    if code == 0 { Ok(()) } else { Err(NvmlError::Call(call, code)) }
}
