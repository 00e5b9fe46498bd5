//! A double of `libnvinfer`, TensorRT's runtime, in the layouts of its two majors: 10.x and 11.x. A plan is
//! a text with the PTX of one kernel (`plan`), and `enqueueV3` launches the kernel in the caller's stream, on
//! whatever `libcuda.so.1` is, which is the software CUDA device in tests.
//!
//! Virtual tables are made by hand (`vtable`) from the orders in which NVIDIA's headers declare methods
//! ([`tables`]). A method that has no behaviour here ends the process with its name: whoever calls a wrong
//! slot is told. What a test asks for is in `control`.
//!
//! It shows that a program calls what it means to call, in an order and with memory that a runtime bears. It
//! cannot show what a real runtime makes of a plan.
#![allow(unsafe_code, clippy::multiple_unsafe_ops_per_block, reason = "a C++ library by hand")]

mod api;
mod context;
mod control;
mod cuda;
mod engine;
mod logger;
mod object;
mod plan;
mod runtime;
mod shape;
pub mod tables;
mod vtable;
