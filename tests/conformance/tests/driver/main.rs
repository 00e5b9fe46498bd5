//! What the server relies on of a CUDA driver. Each case is run on the software CUDA device by
//! `cargo test`, and unchanged on a GPU by `make test-gpu`.
#![allow(missing_docs, clippy::unwrap_used)]

mod capture;
mod contexts;
mod copies;
mod errors;
mod events;
mod gate;
mod ipc;
mod launches;
mod memory;
mod modules;
mod peers;
mod pointers;
mod pools;
mod probe;
mod streams;
