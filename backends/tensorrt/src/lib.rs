//! Plans of TensorRT, on GPUs: `backend: "tensorrt"`, `platform: "tensorrt_plan"`, `model.plan`.
//!
//! The library is opened at run time, when the first plan is looked into, never linked. In reading order:
//!
//! - `settings`: what the server's command line says of the engine;
//! - `backend`: the engine;
//! - `data_type`, `ports`, `profiles`: what a plan says of its inputs and outputs;
//! - `model`: a plan's engines, one on each device of its instances;
//! - `instance`, `run`: from a batch to its answers;
//! - `sys`: all calls of the library, and all `unsafe` but for two promises of `run`.
//!
//! What can be stated, and what this does not do, is in `docs/tensorrt.md`.

#![deny(unsafe_code)]

mod backend;
mod data_type;
mod instance;
mod model;
mod ports;
mod profiles;
mod run;
mod settings;
#[expect(unsafe_code, reason = "the C++ interface of TensorRT")]
mod sys;

pub use backend::TensorRt;
pub use settings::Settings;

#[cfg(test)]
#[allow(unsafe_code, reason = "what a test asks of the double")]
mod tests;
