//! The list of engines: the one place that names them all.
#![forbid(unsafe_code)]

mod unavailable;

use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend_image::ImageBackend;
use nereid_backend_postprocess::PostprocessBackend;

use crate::unavailable::Unavailable;

/// Starts every engine. Called once, before any thread exists: see [`nereid_backend_onnx::init`].
///
/// `onnxruntime` is its shared library, or why there is none. An engine that cannot start is in
/// the list all the same: its models fail with the reason, and others are served.
pub fn start(onnxruntime: Result<&Path, LoadError>) -> Vec<Arc<dyn Backend>> {
    let onnxruntime: Arc<dyn Backend> = match onnxruntime.and_then(nereid_backend_onnx::init) {
        Ok(backend) => Arc::new(backend),
        Err(reason) => Arc::new(Unavailable::new("onnxruntime", Some("model.onnx"), reason)),
    };
    vec![onnxruntime, Arc::new(ImageBackend), Arc::new(PostprocessBackend)]
}
