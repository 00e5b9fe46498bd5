//! What there is: the driver, its devices and their properties.

use std::ffi::c_char;

use super::argument::{Out, Text, TextOut};
use super::{driver, export};
use crate::code::{Code, Result};
use crate::options::Setting;
use crate::sys::exported;

const NAME: &str = "Software CUDA device (tests)";

/// `CUdevice_attribute` and value. The limits are those of compute capability 7.5.
const ATTRIBUTES: [(i32, i32); 26] = [
    (1, 1024),       // MAX_THREADS_PER_BLOCK
    (2, 1024),       // MAX_BLOCK_DIM_X
    (3, 1024),       // MAX_BLOCK_DIM_Y
    (4, 64),         // MAX_BLOCK_DIM_Z
    (5, i32::MAX),   // MAX_GRID_DIM_X
    (6, 65_535),     // MAX_GRID_DIM_Y
    (7, 65_535),     // MAX_GRID_DIM_Z
    (8, 49_152),     // MAX_SHARED_MEMORY_PER_BLOCK
    (10, 32),        // WARP_SIZE
    (12, 65_536),    // MAX_REGISTERS_PER_BLOCK
    (13, 1_000_000), // CLOCK_RATE
    (15, 1),         // GPU_OVERLAP
    (16, 2),         // MULTIPROCESSOR_COUNT
    (17, 0),         // KERNEL_EXEC_TIMEOUT
    (18, 0),         // INTEGRATED
    (19, 0),         // CAN_MAP_HOST_MEMORY
    (20, 0),         // COMPUTE_MODE
    (31, 1),         // CONCURRENT_KERNELS
    (39, 1024),      // MAX_THREADS_PER_MULTIPROCESSOR
    (40, 2),         // ASYNC_ENGINE_COUNT
    (41, 1),         // UNIFIED_ADDRESSING
    (75, 7),         // COMPUTE_CAPABILITY_MAJOR
    (76, 5),         // COMPUTE_CAPABILITY_MINOR
    (83, 0),         // MANAGED_MEMORY
    (97, 49_152),    // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    (115, 1),        // MEMORY_POOLS_SUPPORTED
];

/// The device that a call means.
pub(super) fn ordinal(device: i32) -> Result<usize> {
    let ordinal = usize::try_from(device).map_err(|_| Code::INVALID_DEVICE)?;
    driver().device(ordinal)?;
    Ok(ordinal)
}

export! {
    fn cuInit(flags: u32) {
        match flags {
            0 if driver().devices().is_empty() => Err(Code::NO_DEVICE),
            0 => Ok(()),
            _ => Err(Code::INVALID_VALUE),
        }
    }

    fn cuDriverGetVersion(version: Out<i32>) {
        let number = driver().options.get(Setting::DriverVersion);
        version.put(i32::try_from(number).map_err(|_| Code::INVALID_VALUE)?)
    }

    fn cuDeviceGetCount(count: Out<i32>) {
        count.put(i32::try_from(driver().devices().len()).map_err(|_| Code::INVALID_VALUE)?)
    }

    fn cuDeviceGet(device: Out<i32>, number: i32) {
        ordinal(number)?;
        device.put(number)
    }

    fn cuDeviceGetName(name: TextOut, capacity: i32, device: i32) {
        ordinal(device)?;
        name.put(NAME, usize::try_from(capacity).map_err(|_| Code::INVALID_VALUE)?);
        Ok(())
    }

    fn cuDeviceGetUuid(uuid: Out<[u8; 16]>, device: i32) {
        uuid.put(uuid_of(device)?)
    }

    fn cuDeviceGetUuid_v2(uuid: Out<[u8; 16]>, device: i32) {
        uuid.put(uuid_of(device)?)
    }

    fn cuDeviceTotalMem_v2(size: Out<usize>, device: i32) {
        ordinal(device)?;
        size.put(total_bytes())
    }

    fn cuDeviceGetAttribute(value: Out<i32>, attribute: i32, device: i32) {
        ordinal(device)?;
        let known = ATTRIBUTES.iter().find(|(number, _)| *number == attribute);
        value.put(known.map_or(0, |(_, value)| *value))
    }

    /// The newest version of a function, as `flags` of 0 ask for. `status` is 0 if it was found.
    fn cuGetProcAddress_v2(
        name: Text,
        function: Out<usize>,
        _version: i32,
        _flags: u64,
        status: Out<i32>,
    ) {
        const SYMBOL_NOT_FOUND: i32 = 1;
        let name = name.read()?;
        let mut versions = ["_v3", "_v2", ""].into_iter();
        let found = versions.find_map(|version| exported(&format!("{name}{version}")));
        status.put_if_wanted(if found.is_some() { 0 } else { SYMBOL_NOT_FOUND });
        function.put(found.unwrap_or(0))?;
        found.map(|_| ()).ok_or(Code::NOT_FOUND)
    }

    fn cuGetErrorName(error: i32, name: Out<*const c_char>) {
        name.put(Code(error).name().ok_or(Code::INVALID_VALUE)?.as_ptr())
    }

    fn cuGetErrorString(error: i32, text: Out<*const c_char>) {
        text.put(Code(error).name().ok_or(Code::INVALID_VALUE)?.as_ptr())
    }
}

fn uuid_of(device: i32) -> Result<[u8; 16]> {
    let mut bytes = *b"software-device\0";
    bytes[15] = u8::try_from(ordinal(device)?).map_err(|_| Code::INVALID_DEVICE)?;
    Ok(bytes)
}

/// Memory of each device.
pub(super) fn total_bytes() -> usize {
    usize::try_from(driver().options.get(Setting::MemoryBytes)).unwrap_or(usize::MAX)
}
