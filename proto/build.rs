//! Generates the gRPC code from `proto/*.proto`. protox is the compiler, so no protoc is needed.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const SOURCES: [&str; 3] = ["grpc_service.proto", "health.proto", "model_config.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(SOURCES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let mut config = prost_build::Config::new();
    config.enable_type_names(); // Printing a message as JSON looks its descriptor up.
    tonic_prost_build::configure()
        .bytes(".") // Tensors stay slices of the received message.
        .btree_map(".") // Maps keep an order.
        .codec_path("crate::grpc::Bounded") // Messages are looked at before they take memory.
        .build_transport(false) // Connecting is up to those who have a transport.
        .generate_default_stubs(true) // What a server leaves out is UNIMPLEMENTED.
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
