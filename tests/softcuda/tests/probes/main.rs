//! Programs of the driver API against the software CUDA device: each check of the sanitizer with a
//! program that errs, and its twin that does not.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::too_many_arguments)]

mod device;
mod faults;
mod gate;
mod graphs;
mod ipc;
mod kernels;
mod memory;
mod names;
mod order;
mod peers;
mod pinned;
mod poison;
mod pools;
mod races;
mod report;
mod threads;
