//! Wire formats: `KServe` v2 over HTTP and gRPC, and config.pbtxt.
//!
//! The only crate that knows how bytes on the wire look; it knows no server and no model.
//! [`inference`] and [`health`] are generated from our `.proto` files, [`config`] reads the text
//! form of [`inference::ModelConfig`], and [`http`] turns bodies into tensors and back.

#![forbid(unsafe_code)]

pub mod config;
mod generated;

pub use generated::{DESCRIPTORS, health, inference};
