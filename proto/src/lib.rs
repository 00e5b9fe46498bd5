//! Wire formats: `KServe` v2 over HTTP and gRPC, and config.pbtxt.
//!
//! The only crate that knows how bytes on the wire look; it knows no server and no model.
//!
//! - [`inference`] is generated from our `.proto` files; [`json`] prints its messages;
//! - [`health`] is generated, too: gRPC's own question whether a server is ready;
//! - [`config`] reads the text form of [`inference::ModelConfig`];
//! - [`http`] and [`grpc`] turn inference over each into the same [`infer::InferRequest`], and
//!   tensors back.
#![forbid(unsafe_code)]

pub mod config;
mod generated;
pub mod grpc;
pub mod http;
pub mod infer;
pub mod json;
mod schema;

pub use generated::{health, inference};
