//! Finds ONNX Runtime's shared library.

use std::path::{Path, PathBuf};

use nereid_backend::error::LoadError;

/// What the library's file is called, before its version.
const FILE: &str = "libonnxruntime.so";

/// The library that the user named, or else the one beside this program, where `make build` and
/// the container image put it.
///
/// # Errors
/// When there is none: where it was looked for, and what to do.
pub(crate) fn find(stated: Option<&Path>) -> Result<PathBuf, LoadError> {
    // A variable that is set to nothing states nothing.
    if let Some(path) = stated.filter(|path| !path.as_os_str().is_empty()) {
        return Ok(path.to_owned());
    }
    let program = std::env::current_exe().map_err(|error| missing(&error.to_string()))?;
    let Some(folder) = program.parent() else { return Err(missing("this program has no folder")) };
    beside(folder).ok_or_else(|| missing(&format!("there is no {FILE}* in {}", folder.display())))
}

/// The library in `folder`; of several versions, the one whose name sorts last.
fn beside(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let library = names.filter(|name| name.starts_with(FILE)).max()?;
    Some(folder.join(library))
}

fn missing(reason: &str) -> LoadError {
    LoadError::new(format!(
        "ONNX Runtime's library was not found ({reason}): run `make build`, or name it by \
         --onnxruntime-library or NEREID_ONNXRUNTIME_LIBRARY"
    ))
}
