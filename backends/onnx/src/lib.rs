//! Models of ONNX Runtime, on the CPU and on CUDA devices: `backend: "onnxruntime"`.
//!
//! The library is opened at run time by [`init`], never linked. In reading order:
//!
//! - `library`: finds out whether the library fits, and makes its environment;
//! - `settings`: what the server's command line says of the engine;
//! - `backend`: the engine;
//! - `values`, `parameters`, `session_options`: what a configuration says of a session;
//! - `protobuf`, `graph`: what a model file says of its inputs and outputs;
//! - `element_type`: element types and their numbers in ONNX;
//! - `providers`: what runs a model on a device;
//! - `model`: what the instances of a model share, and how each is made;
//! - `host`, `device`: from a batch to its answers, on either side;
//! - `names`: names of inputs and outputs for both sides of the API;
//! - `termination`: ends a run that nobody waits for;
//! - `input`: the one copy that an input may need;
//! - `sys`: all calls of the C API, and all `unsafe`.
//!
//! What a configuration can state, and what runs on GPUs, is in `docs/onnx.md`.
//!
//! # What it does not do
//!
//! It does not choose which library to open.

#![deny(unsafe_code)]

mod backend;
mod device;
mod element_type;
#[cfg(test)]
mod fixture;
mod graph;
mod host;
mod input;
mod library;
mod model;
mod names;
mod parameters;
mod protobuf;
mod providers;
mod session_options;
mod settings;
#[expect(unsafe_code, reason = "the C API of ONNX Runtime")]
mod sys;
mod termination;
mod values;

pub use backend::OnnxRuntime;
pub use graph::{Graph, Port};
pub use library::init;
pub use settings::Settings;
