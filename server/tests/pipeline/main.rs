//! The whole server in one process, from a repository on disk to the answers over HTTP, on the software
//! CUDA device and with doubles of NVIDIA's libraries: a JPEG becomes a tensor, which passes nine models
//! and a postprocessing. Bytes that travel, what happens when memory, a launch or the device fails, and
//! what is done beside what. The ports are left out; all else is what `main` wires.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

mod client;
mod copies;
mod faults;
mod net;
mod onnx;
mod overlap;
mod repository;
mod seed;
mod world;
