//! The code that `build.rs` generates, and the descriptors it was generated from.
//!
//! Nothing is written by hand here: what a message means stands in `proto/*.proto`.

/// The `FileDescriptorSet` of all our `.proto` files, encoded.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Messages and stubs of the package `inference`: `KServe` v2, Triton's extensions, `ModelConfig`.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
pub mod inference {
    tonic::include_proto!("inference");
}

/// Messages and stubs of the package `grpc.health.v1`.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}
