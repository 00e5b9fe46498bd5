//! A plug-in execution provider of ONNX Runtime, as the CUDA provider would be if it could run here: ONNX Runtime
//! itself opens it, binds inputs and outputs to it, and asks it for memory, for streams and for what it computes. It
//! computes on whatever `libcuda.so.1` is, which is the software CUDA device in tests, in the caller's stream: the
//! option `user_compute_stream`, without which it refuses a session.
//!
//! It takes the operators `Add` and `Mul` of floats and doubles, and `And`, whose operands have one shape, or one of them one
//! element; all others stay on the CPU. What the CPU makes for one of those is not brought to the device: it has no kernel
//! for that copy (`MemcpyFromHost`). Memory is of the driver's pool, in the order of the session's stream: what is
//! freed too early is a violation there. What a test asks for is in `control`.
//!
//! It shows that a program binds device memory as ONNX Runtime bears it. It cannot show what NVIDIA's provider does.
#![allow(
    unsafe_code,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a library of C's interface by hand"
)]
// Every function is called by ONNX Runtime, with what its header promises: `onnxruntime_ep_c_api.h`.
#![allow(clippy::undocumented_unsafe_blocks, reason = "one promise for all: the header's")]

mod abi;
mod allocator;
mod api;
mod control;
mod cuda;
mod factory;
mod node;
mod provider;
mod stream;
mod transfer;
