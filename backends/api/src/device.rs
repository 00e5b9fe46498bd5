//! Where memory lives. Names and traits only: drivers and their handles stay in `kernels`, so that
//! a tensor can be on a GPU in a crate that has never heard of CUDA.

use std::any::Any;
use std::fmt;

/// Names a device; `Copy`, so it can be a map key and a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceId {
    /// Host memory.
    Cpu,
    /// CUDA ordinal, as `nvidia-smi` counts.
    Cuda(u32),
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

/// Owned memory on a device. Dropping the last reference frees it, on the reaper's thread.
///
/// `Any` is how `kernels` gets its own type back, with its pointer, ready event and readers.
pub trait DeviceMemory: Any + Send + Sync {
    /// Where it lives.
    fn device(&self) -> DeviceId;

    /// Size in bytes.
    fn size_bytes(&self) -> usize;
}
