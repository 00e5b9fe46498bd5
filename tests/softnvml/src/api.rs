//! The functions of NVML, by the names and signatures of NVIDIA's `nvml.h`. What their pointers point
//! to is promised by whoever calls them, and that is the reason of every unsafe block here.

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::code::{Code, Result};
use crate::settings::{Reading, Settings};

/// The handle of device 0; that of device n is n more.
const FIRST: usize = 0x4E56_0000;

static SETTINGS: OnceLock<Settings> = OnceLock::new();
/// How many times it was initialised and not shut down.
static USERS: AtomicU32 = AtomicU32::new(0);

/// Where a result goes.
#[repr(transparent)]
struct Out<T>(*mut T);

/// Text that ends with a 0.
#[repr(transparent)]
struct Text(*const c_char);

/// `nvmlUtilization_t`, in percent.
#[repr(C)]
struct Utilization {
    gpu: u32,
    memory: u32,
}

/// `nvmlMemory_t`, in bytes.
#[repr(C)]
struct Memory {
    total: u64,
    free: u64,
    used: u64,
}

/// `nvmlMemory_v2_t`, in bytes. Nothing is reserved here.
#[repr(C)]
struct MemoryV2 {
    version: u32,
    total: u64,
    reserved: u64,
    free: u64,
    used: u64,
}

impl<T> Out<T> {
    fn put(&self, value: T) -> Result<()> {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        // SAFETY: the caller gives the address of a `T`.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }
}

impl Out<c_char> {
    /// The text and a 0, if there is room for both.
    fn put_text(&self, text: &str, capacity: u32) -> Result<()> {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        if usize::try_from(capacity).unwrap_or(0) <= text.len() {
            return Err(Code::INSUFFICIENT_SIZE);
        }
        // SAFETY: the caller gives `capacity` bytes, more than the text has.
        unsafe { self.0.copy_from_nonoverlapping(text.as_ptr().cast(), text.len()) };
        Out(self.0.wrapping_add(text.len())).put(0)
    }
}

impl Text {
    fn read(&self) -> Result<&str> {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        // SAFETY: the caller gives text that ends with a 0, and keeps it until the call is over.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map_err(|_| Code::INVALID_ARGUMENT)
    }
}

/// Exports functions whose bodies give a `Result`.
macro_rules! export {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $body:block)*) => {$(
        // SAFETY: nothing else in this library has the name; a program loads one NVML.
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> i32 {
            let body = move || -> Result<()> { $body };
            body().map_or_else(|Code(number)| number, |()| 0)
        }
    )*};
}

/// # Errors
/// `UNINITIALIZED`.
fn settings() -> Result<&'static Settings> {
    let settings = SETTINGS.get().filter(|_| USERS.load(Ordering::Relaxed) > 0);
    settings.ok_or(Code::UNINITIALIZED)
}

/// The number of a device.
///
/// # Errors
/// `UNINITIALIZED`; `INVALID_ARGUMENT` of a handle that is none.
fn number_of(device: usize) -> Result<u32> {
    let devices = settings()?.devices;
    let number = device.checked_sub(FIRST).and_then(|number| u32::try_from(number).ok());
    number.filter(|number| *number < devices).ok_or(Code::INVALID_ARGUMENT)
}

fn read(device: usize, reading: Reading) -> Result<u64> {
    let number = number_of(device)?;
    settings()?.read(reading, number)
}

fn read_u32(device: usize, reading: Reading) -> Result<u32> {
    u32::try_from(read(device, reading)?).map_err(|_| Code::INVALID_ARGUMENT)
}

/// As the software CUDA device has it.
fn uuid(number: u32) -> String {
    let prefix = "GPU-736f6674-7761-7265-2d64-6576696365";
    format!("{prefix}{number:02x}")
}

export! {
    fn nvmlInit_v2() {
        let settings = SETTINGS.get_or_init(Settings::from_environment);
        if settings.init != 0 {
            return Err(Code(settings.init));
        }
        USERS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn nvmlShutdown() {
        settings()?;
        USERS.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    fn nvmlDeviceGetCount_v2(count: Out<u32>) {
        count.put(settings()?.devices)
    }

    fn nvmlDeviceGetHandleByIndex_v2(number: u32, device: Out<usize>) {
        if number >= settings()?.devices {
            return Err(Code::INVALID_ARGUMENT);
        }
        device.put(FIRST + number as usize)
    }

    fn nvmlDeviceGetHandleByUUID(wanted: Text, device: Out<usize>) {
        let wanted = wanted.read()?;
        let found = (0..settings()?.devices).find(|number| uuid(*number) == wanted);
        device.put(FIRST + found.ok_or(Code::NOT_FOUND)? as usize)
    }

    fn nvmlDeviceGetUUID(device: usize, text: Out<c_char>, capacity: u32) {
        text.put_text(&uuid(number_of(device)?), capacity)
    }

    fn nvmlDeviceGetUtilizationRates(device: usize, utilization: Out<Utilization>) {
        utilization.put(Utilization {
            gpu: read_u32(device, Reading::Utilization)?,
            memory: read_u32(device, Reading::MemoryUtilization)?,
        })
    }

    fn nvmlDeviceGetMemoryInfo(device: usize, memory: Out<Memory>) {
        let total = read(device, Reading::MemoryTotal)?;
        let used = read(device, Reading::MemoryUsed)?;
        memory.put(Memory { total, free: total.saturating_sub(used), used })
    }

    fn nvmlDeviceGetMemoryInfo_v2(device: usize, memory: Out<MemoryV2>) {
        const VERSION: u32 = 0x0200_0028;
        let total = read(device, Reading::MemoryTotal)?;
        let used = read(device, Reading::MemoryUsed)?;
        let free = total.saturating_sub(used);
        memory.put(MemoryV2 { version: VERSION, total, reserved: 0, free, used })
    }

    fn nvmlDeviceGetPowerUsage(device: usize, milliwatts: Out<u32>) {
        milliwatts.put(read_u32(device, Reading::Power)?)
    }

    fn nvmlDeviceGetPowerManagementLimit(device: usize, milliwatts: Out<u32>) {
        milliwatts.put(read_u32(device, Reading::PowerLimit)?)
    }

    fn nvmlDeviceGetEnforcedPowerLimit(device: usize, milliwatts: Out<u32>) {
        milliwatts.put(read_u32(device, Reading::PowerLimit)?)
    }

    fn nvmlDeviceGetTotalEnergyConsumption(device: usize, millijoules: Out<u64>) {
        millijoules.put(read(device, Reading::Energy)?)
    }
}

// SAFETY: as of those above.
#[unsafe(no_mangle)]
extern "C" fn nvmlErrorString(result: i32) -> *const c_char {
    Code(result).text().as_ptr()
}
