//! Which backend runs a model, when `config.pbtxt` does not say: the rules are Triton's.

use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_proto::inference::ModelConfig;

/// The platform of an ensemble.
pub const ENSEMBLE: &str = "ensemble";

/// Platform names, which are older than backend names, and the backends that they stand for.
const PLATFORMS: [(&str, &str); 2] =
    [("onnxruntime_onnx", "onnxruntime"), ("tensorrt_plan", "tensorrt")];

/// Finds the backend that `config` states, or else the one whose file is in `version_folder`.
///
/// # Errors
/// What the user should do.
pub fn find<'a>(
    config: &ModelConfig,
    version_folder: &Path,
    backends: &'a [Arc<dyn Backend>],
) -> Result<&'a Arc<dyn Backend>, String> {
    let stated = match PLATFORMS.iter().find(|(platform, _)| *platform == config.platform) {
        _ if !config.backend.is_empty() => &config.backend,
        Some((_, backend)) => *backend,
        None if !config.platform.is_empty() => {
            return Err(format!(
                "unknown platform '{}': state a backend instead, one of {}",
                config.platform,
                names(backends)
            ));
        }
        None => return find_by_file(version_folder, backends),
    };
    backends
        .iter()
        .find(|backend| backend.name() == stated)
        .ok_or_else(|| format!("this server has no backend '{stated}'; it has {}", names(backends)))
}

fn find_by_file<'a>(
    version_folder: &Path,
    backends: &'a [Arc<dyn Backend>],
) -> Result<&'a Arc<dyn Backend>, String> {
    let has_file = |backend: &&Arc<dyn Backend>| {
        backend.file_name().is_some_and(|name| version_folder.join(name).exists())
    };
    backends.iter().find(has_file).ok_or_else(|| {
        let files: Vec<_> = backends.iter().filter_map(|backend| backend.file_name()).collect();
        format!(
            "no backend is stated, and {} has no file that tells it ({}); state `backend: \"...\"`, \
             one of {}",
            version_folder.display(),
            files.join(", "),
            names(backends)
        )
    })
}

/// The platform that a backend's models are also known by; empty if there is none.
pub fn platform_of(backend: &str) -> &'static str {
    PLATFORMS.iter().find(|(_, name)| *name == backend).map_or("", |(platform, _)| platform)
}

fn names(backends: &[Arc<dyn Backend>]) -> String {
    let names: Vec<_> = backends.iter().map(|backend| backend.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
