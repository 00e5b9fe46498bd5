//! Files that a configuration names.

use std::path::{Path, PathBuf};

use crate::layout::stays_inside;

/// The path of the file `name`, which must be in the model's `folder`; `field` states it.
///
/// # Errors
/// When it is elsewhere, or there is no such file.
pub(super) fn inside(folder: &Path, name: &str, field: &str) -> Result<PathBuf, String> {
    if !stays_inside(name) {
        return Err(format!("{field} '{name}' must be a path in the model's folder"));
    }
    let file = folder.join(name);
    if file.is_file() {
        Ok(file)
    } else {
        Err(format!("{field}: there is no file {}", file.display()))
    }
}
