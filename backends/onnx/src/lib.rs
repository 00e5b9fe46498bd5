//! Models of ONNX Runtime, on the CPU: `backend: "onnxruntime"`.
//!
//! The library is opened at run time by [`init`], never linked. In reading order:
//!
//! - `library`: finds out whether the library fits, and makes its environment;
//! - `settings`: what the server's command line says of the engine;
//! - `backend`: the engine;
//! - `values`, `parameters`, `session_options`: what a configuration says of a session;
//! - `protobuf`, `graph`: what a model file says of its inputs and outputs;
//! - `element_type`: element types and their numbers in ONNX;
//! - `model`: from a batch to its answers;
//! - `termination`: ends a run that nobody waits for;
//! - `input`: the one copy that an input may need;
//! - `sys`: all calls of the C API, and all `unsafe`.
//!
//! It does not choose which library to open, and it runs nothing on a GPU.

#![deny(unsafe_code)]

mod backend;
mod element_type;
#[cfg(test)]
mod fixture;
mod graph;
mod input;
mod library;
mod model;
mod parameters;
mod protobuf;
mod session_options;
mod settings;
#[expect(unsafe_code, reason = "the C API of ONNX Runtime")]
mod sys;
mod termination;
mod values;

pub use backend::OnnxRuntime;
pub use library::init;
pub use settings::Settings;
