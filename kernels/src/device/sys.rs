//! The driver, function by function, and the only unsafe code of the device layer but for its leaves
//! that say so. No rules of ours are here.
//!
//! A handle is made here, belongs to one owner, and `destroy` consumes it: one that is there is alive
//! as long as its device's context is, which whoever holds the handle keeps (`Device`). Functions that
//! take bare addresses are unsafe, and say what they trust in.
#![allow(unsafe_code)]

pub(super) mod context;
pub(super) mod ipc;
pub(super) mod library;
pub(super) mod memory;
pub(super) mod module;
pub(super) mod stream;

use std::ffi::CStr;
use std::fmt;

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;

/// A call that the driver refused.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    /// The function's name in `cuda.h`.
    pub(super) call: &'static str,
    code: CUresult,
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Errors after which every call to the context fails, until the process ends.
/// (CUDA Driver API, `CUresult`: "the process must be terminated and relaunched".)
const STICKY: [CUresult; 16] = [
    CUresult::CUDA_ERROR_DEINITIALIZED,
    CUresult::CUDA_ERROR_ECC_UNCORRECTABLE,
    CUresult::CUDA_ERROR_NVLINK_UNCORRECTABLE,
    CUresult::CUDA_ERROR_CONTAINED,
    CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
    CUresult::CUDA_ERROR_LAUNCH_TIMEOUT,
    CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED,
    CUresult::CUDA_ERROR_ASSERT,
    CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR,
    CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION,
    CUresult::CUDA_ERROR_MISALIGNED_ADDRESS,
    CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE,
    CUresult::CUDA_ERROR_INVALID_PC,
    CUresult::CUDA_ERROR_LAUNCH_FAILED,
    CUresult::CUDA_ERROR_TENSOR_MEMORY_LEAK,
    CUresult::CUDA_ERROR_EXTERNAL_DEVICE,
];

impl Failure {
    /// Whether the context is lost by it.
    pub(super) fn is_sticky(self) -> bool {
        STICKY.contains(&self.code)
    }

    pub(super) fn is_out_of_memory(self) -> bool {
        self.code == CUresult::CUDA_ERROR_OUT_OF_MEMORY
    }

    pub(super) fn is_not_ready(self) -> bool {
        self.code == CUresult::CUDA_ERROR_NOT_READY
    }

    pub(super) fn is_no_device(self) -> bool {
        self.code == CUresult::CUDA_ERROR_NO_DEVICE
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = DriverError(self.code);
        let text = |found: std::result::Result<&CStr, DriverError>| {
            found.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let (name, meaning) = (text(error.error_name()), text(error.error_string()));
        write!(f, "{}: {name}", self.call)?;
        if meaning.is_empty() || meaning == name { Ok(()) } else { write!(f, " ({meaning})") }
    }
}

/// Names the call in what cudarc's thin layer gives back.
fn named<T>(call: &'static str, result: std::result::Result<T, DriverError>) -> Result<T> {
    result.map_err(|DriverError(code)| Failure { call, code })
}

/// As `named`, of a bare number.
fn checked(call: &'static str, code: CUresult) -> Result<()> {
    named(call, code.result())
}
