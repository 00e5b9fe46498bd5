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
//! # Parameters
//!
//! Names and meaning are those of Triton's backend, and as there, others are ignored.
//!
//! | key | value | unless stated |
//! |---|---|---|
//! | `intra_op_thread_count` | threads that share an operator's work, in a pool of the model's own | the pool of all models |
//! | `inter_op_thread_count` | threads that run operators side by side, if `execution_mode` is 1 | one a core |
//! | `execution_mode` | 1: operators run side by side, in a pool of the model's own | 0 |
//! | `enable_mem_arena` | 0: each run takes its own memory from the system | 1 |
//! | `enable_mem_pattern` | 0: a run does not take its memory at once, as the last one needed it | 1 |
//! | `memory.enable_memory_arena_shrinkage` | `cpu:0`: what a run leaves unused is given back after it | |
//! | `session.use_device_allocator_for_initializers` | 1: weights bypass the arena | 0 |
//!
//! `cudnn_conv_algo_search`, `gpu_mem_limit`, `arena_extend_strategy` and `do_copy_in_default_stream`
//! have no effect, and a warning says so.
//!
//! `optimization.graph.level` and `model_operations` are heeded too.
//!
//! # Settings
//!
//! `--backend-config=onnxruntime,<key>=<value>`: `default-max-batch-size` (4),
//! `enable-global-threadpool` (1), `intra_op_thread_count` and `inter_op_thread_count` (by the cores).
//!
//! # What it does not do
//!
//! It does not choose which library to open, and it runs nothing on a GPU.

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
