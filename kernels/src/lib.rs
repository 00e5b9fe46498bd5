//! Tensor kernels, and everything that touches a device driver.
//!
//! Nothing here knows of models or requests.
//!
//! - [`cpu`]: the kernels as plain functions over host memory; a device's kernel must give the
//!   same bits as its CPU twin here;
//! - [`cuda`]: the kernels of CUDA devices, and their launchers;
//! - [`device`]: CUDA devices, their streams and memory, copies and launches;
//! - [`executor`]: what an instance does with a device, the same for all engines;
//! - [`heads`]: operations of the heads of pipelines on a device, of several kernels each;
//! - [`host_pool`]: big buffers on the host, used again;
//! - [`nvjpeg`]: JPEGs decoded on CUDA devices, by NVIDIA's library;
//! - [`nvml`]: what GPUs tell of themselves;
//! - [`reaper`]: who waits for a device, and frees its memory.

// Allowed only where a processor's features were checked, and where a driver is called, each with its
// reason.
#![deny(unsafe_code)]

pub mod cpu;
pub mod cuda;
pub mod device;
pub mod executor;
pub mod heads;
pub mod host_pool;
pub mod nvjpeg;
pub mod nvml;
pub mod reaper;
