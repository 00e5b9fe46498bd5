//! Opens `libonnxruntime.so` and makes the one environment of the process.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use nereid_backend::error::LoadError;
use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::logging::LogLevel;

use crate::backend::OnnxRuntime;
use crate::settings::{Pool, Settings};
use crate::sys::{Opened, disable_telemetry, limit_arenas};

/// What whoever starts the server can do about a library.
const HINT: &str = "run `make build`, which fetches ONNX Runtime 1.28.0, or give the path of \
    another libonnxruntime.so, 1.24 or later, with --onnxruntime-library";

/// Opens the library and makes the engine, once in a process.
///
/// It switches the library's telemetry off in the process's environment, and bounds what the heap
/// keeps for other threads, so it must be called before any of them exists.
///
/// # Errors
/// When there is no such file, or it is not a library of ONNX Runtime that fits.
pub fn init(library: &Path, settings: Settings) -> Result<OnnxRuntime, LoadError> {
    let unfit = |cause: &dyn Display| {
        let path = library.display();
        LoadError::new(format!("cannot use {path} as the ONNX Runtime library: {cause}; {HINT}"))
    };
    // `ort` would look for a relative path beside the executable.
    let path = library.canonicalize().map_err(|cause| unfit(&cause))?;
    disable_telemetry();
    limit_arenas();
    // `ort` must not see a library that it refuses: after that, it takes whatever it has for one.
    let opened = Opened::new(&path).map_err(|cause| unfit(&cause))?;
    let builder = ort::init_from(&path).map_err(|cause| unfit(&cause))?;
    drop(opened);
    let mut builder = builder.with_name("nereid").with_telemetry(false).with_logger(Arc::new(log));
    if settings.has_global_pool {
        let threads = threads(settings.global_pool()).map_err(|cause| unfit(&cause))?;
        builder = builder.with_global_thread_pool(threads);
    }
    let environment = builder.build().map_err(|cause| unfit(&cause))?;
    Environment::set_log_level(&environment, LogLevel::Warning);
    Ok(OnnxRuntime::new(environment, settings))
}

/// One pool for all models. It does not spin, since instances of other models want the cores too.
fn threads(pool: Pool) -> ort::Result<GlobalThreadPoolOptions> {
    GlobalThreadPoolOptions::default()
        .with_intra_threads(pool.intra_op_threads)?
        .with_inter_threads(pool.inter_op_threads)?
        .with_spin_control(false)
}

/// What the library says of an error comes back as that call's error too, so it is no error here.
fn log(level: LogLevel, _category: &str, id: &str, location: &str, message: &str) {
    if level == LogLevel::Fatal {
        tracing::error!(id, location, "ONNX Runtime: {message}");
    } else {
        tracing::debug!(id, location, "ONNX Runtime: {message}");
    }
}
