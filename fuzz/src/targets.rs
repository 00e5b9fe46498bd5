//! The targets, one module each.

mod config;
mod grpc_body;
mod grpc_request;
mod http_body;
mod http_repository;
mod http_request;
mod onnx;
mod picture;
mod ptx;

use nereid_backend::tensor::{Storage, Tensor};
use nereid_proto::infer::Input;

/// One decoder, and what must hold whatever it is given.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its module's, and that of its seeds' folder.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const ALL: [Target; 9] = [
    Target { name: "config", run: config::run },
    Target { name: "grpc_body", run: grpc_body::run },
    Target { name: "grpc_request", run: grpc_request::run },
    Target { name: "http_body", run: http_body::run },
    Target { name: "http_repository", run: http_repository::run },
    Target { name: "http_request", run: http_request::run },
    Target { name: "onnx", run: onnx::run },
    Target { name: "picture", run: picture::run },
    Target { name: "ptx", run: ptx::run },
];

/// The target of that name.
pub fn named(name: &str) -> Option<Target> {
    ALL.into_iter().find(|target| target.name == name)
}

/// The input as the tensor that a model would get, if it is one.
fn tensor(input: &Input) -> Option<Tensor> {
    let shape =
        input.shape.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<_>>()?;
    Tensor::new(input.data_type?, shape, Storage::Host(input.sent().clone())).ok()
}
