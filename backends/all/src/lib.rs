//! The list of engines: the one place that names them all.
#![forbid(unsafe_code)]

mod setting;

use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend_image::ImageBackend;
use nereid_backend_onnx::{OnnxRuntime, Settings};
use nereid_backend_postprocess::PostprocessBackend;
use nereid_backend_tensorrt::{self as tensorrt, TensorRt};
use nereid_kernels::device::{Absence, Devices};

pub use setting::BackendSetting;

/// The engines with settings.
const ONNXRUNTIME: &str = "onnxruntime";
const TENSORRT: &str = "tensorrt";

/// Starts the engine that has to start before any thread exists, devices' included: see
/// [`nereid_backend_onnx::init`].
///
/// `library` is its shared library, or why there is none. An engine that cannot start is in
/// the list all the same: its models fail with the reason, and others are served. Of `settings`,
/// those that no engine knows are logged, since Triton ignores them, but they may be mistyped.
///
/// # Errors
/// What is wrong with the value of a setting.
pub fn onnxruntime(
    library: Result<&Path, LoadError>,
    settings: &[BackendSetting],
) -> Result<OnnxRuntime, LoadError> {
    let settings = onnx_settings(settings)?;
    let start = |library: &Path| nereid_backend_onnx::init(library, settings.clone());
    Ok(library
        .and_then(start)
        .unwrap_or_else(|reason| OnnxRuntime::without_library(reason, settings)))
}

/// Every engine, and the devices for those that can use them.
pub fn all(
    onnxruntime: OnnxRuntime,
    settings: &[BackendSetting],
    devices: &Devices,
) -> Vec<Arc<dyn Backend>> {
    let (tensorrt, _told) = tensorrt::Settings::parse(&setting::of(TENSORRT, settings));
    vec![
        Arc::new(onnxruntime.on(devices.clone())),
        Arc::new(TensorRt::new(devices.clone(), tensorrt)),
        Arc::new(ImageBackend::new(devices.clone())),
        Arc::new(PostprocessBackend::new(devices.clone())),
    ]
}

/// Every engine, to look into models' files and not to load them: no library is needed.
///
/// # Errors
/// What is wrong with the value of a setting.
pub fn inspectors(settings: &[BackendSetting]) -> Result<Vec<Arc<dyn Backend>>, LoadError> {
    let reason = LoadError::new("this process only looks into models");
    let onnxruntime = OnnxRuntime::without_library(reason, onnx_settings(settings)?);
    Ok(all(onnxruntime, settings, &Devices::absent(Absence::NotLooked)))
}

/// Tells of all settings, of other engines, too, which nobody knows.
fn onnx_settings(settings: &[BackendSetting]) -> Result<Settings, LoadError> {
    let (options, unknown) = Settings::parse(&setting::of(ONNXRUNTIME, settings))?;
    let (_, unknown_to_tensorrt) = tensorrt::Settings::parse(&setting::of(TENSORRT, settings));
    for BackendSetting { backend, key, .. } in settings {
        let is_known = |name, unknown: &[String]| {
            backend.as_deref().is_none_or(|backend| backend == name) && !unknown.contains(key)
        };
        if !is_known(ONNXRUNTIME, &unknown) && !is_known(TENSORRT, &unknown_to_tensorrt) {
            let backend = backend.as_deref().map_or(String::new(), |name| format!("{name},"));
            tracing::warn!("--backend-config {backend}{key} has no effect: no backend knows it");
        }
    }
    Ok(options)
}
