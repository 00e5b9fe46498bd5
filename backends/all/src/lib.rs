//! The list of engines: the one place that names them all.
#![forbid(unsafe_code)]

mod setting;

use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend_image::ImageBackend;
use nereid_backend_onnx::{self as onnx, OnnxRuntime};
use nereid_backend_postprocess::PostprocessBackend;
use nereid_backend_tensorrt::{self as tensorrt, TensorRt};
use nereid_kernels::device::{Absence, Devices};

pub use setting::BackendSetting;

/// The engines with settings.
const ONNXRUNTIME: &str = "onnxruntime";
const TENSORRT: &str = "tensorrt";

/// What is stated of each engine that has settings.
pub struct BackendSettings {
    onnxruntime: onnx::Settings,
    tensorrt: tensorrt::Settings,
}

impl BackendSettings {
    /// Of what the command line states. What no engine knows is logged: Triton ignores it, but it may be
    /// mistyped.
    ///
    /// # Errors
    /// What is wrong with the value of a setting.
    pub fn parse(settings: &[BackendSetting]) -> Result<Self, LoadError> {
        let (onnxruntime, strange) = onnx::Settings::parse(&setting::of(ONNXRUNTIME, settings))?;
        let (tensorrt, strange_too) = tensorrt::Settings::parse(&setting::of(TENSORRT, settings));
        for BackendSetting { backend, key, .. } in settings {
            let is_known = |name, strange: &[String]| {
                backend.as_deref().is_none_or(|backend| backend == name) && !strange.contains(key)
            };
            if !is_known(ONNXRUNTIME, &strange) && !is_known(TENSORRT, &strange_too) {
                let backend = backend.as_deref().map_or(String::new(), |name| format!("{name},"));
                tracing::warn!(
                    "--backend-config {backend}{key} has no effect: no backend knows it"
                );
            }
        }
        Ok(Self { onnxruntime, tensorrt })
    }
}

/// Starts the engine that has to start before any thread exists, devices' included: see
/// [`nereid_backend_onnx::init`].
///
/// `library` is its shared library, or why there is none. An engine that cannot start is in
/// the list all the same: its models fail with the reason, and others are served.
pub fn onnxruntime(library: Result<&Path, LoadError>, settings: &BackendSettings) -> OnnxRuntime {
    let settings = &settings.onnxruntime;
    library
        .and_then(|library| onnx::init(library, settings.clone()))
        .unwrap_or_else(|reason| OnnxRuntime::without_library(reason, settings.clone()))
}

/// Every engine, and the devices for those that can use them.
pub fn all(
    onnxruntime: OnnxRuntime,
    settings: BackendSettings,
    devices: &Devices,
) -> Vec<Arc<dyn Backend>> {
    vec![
        Arc::new(onnxruntime.on(devices.clone())),
        Arc::new(TensorRt::new(devices.clone(), settings.tensorrt)),
        Arc::new(ImageBackend::new(devices.clone())),
        Arc::new(PostprocessBackend::new(devices.clone())),
    ]
}

/// Every engine, to look into models' files and not to load them: no library is needed.
pub fn inspectors(settings: BackendSettings) -> Vec<Arc<dyn Backend>> {
    let onnxruntime =
        onnxruntime(Err(LoadError::new("this process only looks into models")), &settings);
    all(onnxruntime, settings, &Devices::absent(Absence::NotLooked))
}
