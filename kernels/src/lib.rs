//! Tensor kernels, and everything that touches a device driver.
//!
//! Nothing here knows of models or requests.
//!
//! - [`cpu`]: the kernels as plain functions over host memory; a device's kernel must give the
//!   same bits as its CPU twin here;
//! - [`reaper`]: who waits for a device, and frees its memory.

#![forbid(unsafe_code)]

pub mod cpu;
pub mod reaper;
