//! Files that a configuration names.

use std::path::{Path, PathBuf};

use crate::layout::stays_inside;

/// Where a model's folder has the inputs of its warm-up.
const WARMUP: &str = "warmup";

/// The path of the file `name`, which must be in the model's `folder`; `field` states it.
///
/// # Errors
/// When it is elsewhere, or there is no such file.
pub(super) fn inside(folder: &Path, name: &str, field: &str) -> Result<PathBuf, String> {
    if !stays_inside(name) {
        return Err(format!("{field} '{name}' must be a path in the model's folder"));
    }
    there(folder.join(name), field)
}

/// The path of the file `name`, which must be in the folder `warmup` of the model's `folder`.
///
/// # Errors
/// When it is elsewhere, or there is no such file.
pub(crate) fn inside_warmup(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let field = "input_data_file";
    if !stays_inside(name) {
        return Err(format!("{field} '{name}' must be a path in the model's folder '{WARMUP}'"));
    }
    there(folder.join(WARMUP).join(name), field)
}

fn there(file: PathBuf, field: &str) -> Result<PathBuf, String> {
    if file.is_file() {
        Ok(file)
    } else {
        Err(format!("{field}: there is no file {}", file.display()))
    }
}
