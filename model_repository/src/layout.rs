//! Which models and versions the folders of a repository hold: `<repository>/<model>/<version>/`.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

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
    /// The configuration in its JSON form, if one was given in place of the file.
    pub config: Option<String>,
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

    /// The text of its `config.pbtxt`, or `None` if it has none. Of one that is longer than
    /// [`TEXT_BYTES_MAX`] it is no more than what shows that.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is no regular file: a pipe may never end.
    pub fn config_text(&self) -> Result<Option<Vec<u8>>, LoadError> {
        let path = self.config_path();
        let read = fs::metadata(&path).and_then(|about| {
            if about.is_file() {
                read_at_most(&path, TEXT_BYTES_MAX + 1)
            } else {
                Err(io::Error::other("it is not a regular file"))
            }
        });
        match read {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LoadError::new(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Where its `config.pbtxt` is, or would be.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG_FILE)
    }
}

/// Whether the path `name` stays in the folder that it starts from. A repository is data, and must
/// not make the server read what is elsewhere.
pub fn stays_inside(name: &str) -> bool {
    Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Whether a model's folder can have this name: it is one folder, not a hidden one, and can be shown.
pub fn is_model_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    // `a/` has one part, too, but that is not all of it.
    let is_folder = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    is_folder && !name.starts_with('.') && !name.contains(char::is_control)
}

/// Every model folder of `repositories`, by name.
///
/// # Errors
/// When a repository cannot be read, or a model is in two of them: nobody could say which one is
/// served.
pub fn models(repositories: &[PathBuf]) -> Result<Vec<ModelFolder>, LoadError> {
    let mut found: Vec<ModelFolder> = Vec::new();
    for root in repositories {
        let names = subfolders(root).map_err(|error| {
            let root = root.display();
            LoadError::new(format!("cannot read the model repository {root}: {error}"))
        })?;
        found.extend(names.into_iter().map(|name| ModelFolder {
            path: root.join(&name),
            name,
            config: None,
        }));
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

/// The folder of `model`.
///
/// # Errors
/// As [`models`], and when there is none.
pub fn model(repositories: &[PathBuf], model: &str) -> Result<ModelFolder, LoadError> {
    models(repositories)?.into_iter().find(|folder| folder.name == model).ok_or_else(|| {
        let folders: Vec<_> = repositories.iter().map(|path| path.display().to_string()).collect();
        LoadError::new(format!("there is no model '{model}' in {}", folders.join(", ")))
    })
}

fn read_at_most(path: &Path, size_bytes: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = u64::try_from(size_bytes).unwrap_or(u64::MAX);
    fs::File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
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
mod tests;
