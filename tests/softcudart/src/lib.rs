//! As much of CUDA's runtime, cuBLAS, cuRAND and cuDNN as the CUDA provider of `onnxruntime-gpu` 1.28.0 needs to make a
//! session and to run what is copies alone, such as `Identity`: over the driver, which is the software CUDA device
//! in tests. Handles of libraries are given, and nothing is computed: a kernel, and each function that is not here, is an
//! error that the provider tells.
//!
//! So the real provider takes its options, its memory, and the caller's stream from the program under test, whose
//! calls of ONNX Runtime it answers. It cannot show what its kernels do.
#![allow(unsafe_code, clippy::multiple_unsafe_ops_per_block, reason = "libraries of C by hand")]
// Every function is called by the provider, with what CUDA's headers promise.
#![allow(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc, reason = "the headers'")]
#![allow(non_snake_case, unreachable_pub, missing_docs, reason = "exported by C's names")]

mod driver;
mod libraries;
mod registration;
mod runtime;
