//! The list of engines: the one place that names them all.
#![forbid(unsafe_code)]

mod setting;
mod unavailable;

use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend_image::ImageBackend;
use nereid_backend_onnx::Settings;
use nereid_backend_postprocess::PostprocessBackend;

use crate::unavailable::Unavailable;
pub use setting::BackendSetting;

/// The only engine with settings so far.
const ONNXRUNTIME: &str = "onnxruntime";

/// Starts every engine. Called once, before any thread exists: see [`nereid_backend_onnx::init`].
///
/// `onnxruntime` is its shared library, or why there is none. An engine that cannot start is in
/// the list all the same: its models fail with the reason, and others are served. Of `settings`,
/// those that no engine knows are logged, since Triton ignores them, but they may be mistyped.
///
/// # Errors
/// What is wrong with the value of a setting.
pub fn start(
    onnxruntime: Result<&Path, LoadError>,
    settings: &[BackendSetting],
) -> Result<Vec<Arc<dyn Backend>>, LoadError> {
    let (options, unknown) = Settings::parse(&setting::of(ONNXRUNTIME, settings))?;
    for setting in settings {
        let BackendSetting { backend, key, .. } = setting;
        let is_for_it = backend.as_deref().is_none_or(|backend| backend == ONNXRUNTIME);
        if !is_for_it || unknown.contains(key) {
            let backend = backend.as_deref().map_or(String::new(), |name| format!("{name},"));
            tracing::warn!("--backend-config {backend}{key} has no effect: no backend knows it");
        }
    }
    let start = |library: &Path| nereid_backend_onnx::init(library, options);
    let onnxruntime: Arc<dyn Backend> = match onnxruntime.and_then(start) {
        Ok(backend) => Arc::new(backend),
        Err(reason) => Arc::new(Unavailable::new(ONNXRUNTIME, Some("model.onnx"), reason)),
    };
    Ok(vec![onnxruntime, Arc::new(ImageBackend::default()), Arc::new(PostprocessBackend)])
}
