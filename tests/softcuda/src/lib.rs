//! The software CUDA device: the part of the driver API that Nereid calls, as a `libcuda.so.1` that
//! needs no GPU. It runs PTX on the CPU and reports what a program does wrong (`report`). What it
//! proves and what it cannot is in `docs/gpu.md`. It is no emulator of any GPU's speed.
//!
//! In reading order: `api` is what programs call and the only caller of the rooms below; `stream`
//! orders work, `mem` holds bytes, `race` knows what happens before what; `ptx` reads kernels and
//! `exec` runs them. `sys` has the unsafe code that is left, beside the arguments of `api`.

mod api;
mod code;
mod counters;
mod driver;
mod exec;
mod graph;
mod launch;
mod mem;
mod module;
mod operation;
mod options;
mod ptx;
mod race;
mod report;
mod stream;
mod sync;
mod sys;
mod table;

/// Whether a module of PTX would load: what the device does not know, with its line.
///
/// # Errors
/// The first thing that is not understood.
pub fn check_ptx(source: &str) -> Result<(), String> {
    ptx::parse(source, &mut |_| Ok(0)).map(|_| ())
}
