//! Tensor kernels, and everything that touches a device driver.
//!
//! Nothing here knows of models or requests.
//!
//! - [`cpu`]: the kernels as plain functions over host memory; a device's kernel must give the
//!   same bits as its CPU twin here;
//! - [`cuda`]: the kernels of CUDA devices, and their launchers;
//! - [`host_pool`]: big buffers on the host, used again;
//! - [`reaper`]: who waits for a device, and frees its memory.

// Allowed only where a processor's features were checked, each with its reason.
#![deny(unsafe_code)]

pub mod cpu;
pub mod cuda;
pub mod host_pool;
pub mod reaper;
