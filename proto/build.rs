//! Generates the gRPC code from `proto/*.proto`. protox is the compiler, so no protoc is needed.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const SOURCES: [&str; 3] = ["grpc_service.proto", "model_config.proto", "health.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(SOURCES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Tensors stay slices of the received message, maps keep an order, and connecting is up to
    // those who have a transport.
    let builder = tonic_prost_build::configure().bytes(".").btree_map(".").build_transport(false);
    builder.compile_fds(descriptors)?;
    Ok(())
}
