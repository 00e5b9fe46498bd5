//! Which models and versions the folders of a repository hold: `<repository>/<model>/<version>/`.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nereid_backend::error::LoadError;
use nereid_proto::config::TEXT_BYTES_MAX;

/// The file that describes a model.
pub const CONFIG_FILE: &str = "config.pbtxt";

/// One model's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    /// The folder's name, which is the model's.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl ModelFolder {
    /// The version folders, ascending. As in Triton, a version is a positive number without a
    /// leading zero, and anything else is not the repository's business.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn versions(&self) -> io::Result<Vec<u64>> {
        let mut versions: Vec<u64> = subfolders(&self.path)?
            .into_iter()
            .filter(|name| name.starts_with(|first: char| ('1'..='9').contains(&first)))
            .filter_map(|name| name.parse().ok())
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The text of its `config.pbtxt`, or `None` if it has none.
    ///
    /// # Errors
    /// When it is there and cannot be read, is no regular file (a pipe may never end), or is larger
    /// than [`TEXT_BYTES_MAX`].
    pub fn config_text(&self) -> Result<Option<Vec<u8>>, LoadError> {
        let path = self.config_path();
        let error =
            |what: &dyn Display| LoadError::new(format!("cannot read {}: {what}", path.display()));
        let about = match fs::metadata(&path) {
            Ok(about) => about,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(error(&cause)),
        };
        let size = about.len();
        if !about.is_file() {
            return Err(error(&"it is not a regular file"));
        }
        if usize::try_from(size).is_ok_and(|size| size <= TEXT_BYTES_MAX) {
            return fs::read(&path).map(Some).map_err(|cause| error(&cause));
        }
        Err(error(&format_args!("it has {size} bytes, at most {TEXT_BYTES_MAX} are read")))
    }

    /// Where its `config.pbtxt` is, or would be.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG_FILE)
    }
}

/// Every model folder of `repositories`, by name. A model that is in two of them is in neither:
/// nobody could say which one is served.
///
/// # Errors
/// When a repository cannot be read.
pub fn models(repositories: &[PathBuf]) -> Result<Vec<ModelFolder>, LoadError> {
    let mut found: Vec<ModelFolder> = Vec::new();
    for root in repositories {
        let names = subfolders(root).map_err(|error| {
            let root = root.display();
            LoadError::new(format!("cannot read the model repository {root}: {error}"))
        })?;
        found.extend(names.into_iter().map(|name| ModelFolder { path: root.join(&name), name }));
    }
    found.sort_by(|one, two| one.name.cmp(&two.name));
    if let Some([one, two]) = found.array_windows().find(|[one, two]| one.name == two.name) {
        return Err(LoadError::new(format!(
            "model '{}' is in two repositories, {} and {}: remove or rename one of them",
            one.name,
            one.path.display(),
            two.path.display()
        )));
    }
    Ok(found)
}

/// Names of the folders in `path` that are not hidden; names that are not UTF-8 cannot be asked
/// for by a client, so they are left out.
fn subfolders(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.path().is_dir()
        {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_a_file_of_limited_size() {
        let path = std::env::temp_dir().join(format!("nereid-layout-{}", std::process::id()));
        let folder = ModelFolder { name: "m".to_owned(), path };
        let text = || folder.config_text().map_err(|error| error.to_string());
        fs::create_dir_all(folder.config_path()).unwrap();
        assert!(text().unwrap_err().ends_with("it is not a regular file"));
        fs::remove_dir(folder.config_path()).unwrap();
        assert_eq!(text(), Ok(None));
        let most = vec![b' '; TEXT_BYTES_MAX];
        fs::write(folder.config_path(), &most).unwrap();
        assert_eq!(text(), Ok(Some(most)));
        // Sparse: the size is all that is looked at.
        fs::File::create(folder.config_path()).unwrap().set_len(1 << 40).unwrap();
        assert!(text().unwrap_err().contains("it has 1099511627776 bytes"));
        fs::remove_dir_all(&folder.path).unwrap();
    }
}
