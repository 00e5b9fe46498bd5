//! Where a model is loaded from: the repository, or what a client sent with the load.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use nereid_backend::error::LoadError;
use nereid_model_repository::layout::{self, ModelFolder, is_model_name, stays_inside};
use nereid_proto::config;
use tempfile::TempDir;

/// What a client sends with a load, to take the place of what the repository has.
#[derive(Debug, Default)]
pub struct Overrides {
    /// The configuration, in its JSON form.
    pub config: Option<String>,
    /// Files by their path in the model's folder, such as `1/model.onnx`. If there are any, they
    /// are the whole folder.
    pub files: Vec<(String, Bytes)>,
}

/// A model's folder, and what must live as long as the model does.
pub(super) struct Source {
    folder: ModelFolder,
    /// Removed when this is dropped.
    _files: Option<TempDir>,
}

impl Source {
    /// The folder of `model`.
    ///
    /// # Errors
    /// When there is none, or what was sent makes none.
    pub(super) fn find(
        repositories: &[PathBuf],
        model: &str,
        overrides: Overrides,
    ) -> Result<Self, LoadError> {
        let Overrides { config, files } = overrides;
        if let Some(json) = &config {
            let wrong = |text| LoadError::new(format!("the 'config' of the load: {text}"));
            config::from_json(json).map_err(wrong)?;
        }
        if files.is_empty() {
            let folder = layout::model(repositories, model)?;
            return Ok(Self { folder: ModelFolder { config, ..folder }, _files: None });
        }
        if config.is_none() {
            return Err(LoadError::new("files that come with a load need a 'config' beside them"));
        }
        let files = write_all(model, &files)?;
        let folder = ModelFolder { name: model.to_owned(), path: files.path().join(model), config };
        Ok(Self { folder, _files: Some(files) })
    }

    pub(super) fn folder(&self) -> &ModelFolder {
        &self.folder
    }
}

/// Writes the `files` of `model` to a folder of their own.
fn write_all(model: &str, files: &[(String, Bytes)]) -> Result<TempDir, LoadError> {
    if !is_model_name(model) {
        return Err(LoadError::new("a model's name must be a folder's: no '/', no '.' in front"));
    }
    let private = Permissions::from_mode(0o700);
    let sent = tempfile::Builder::new().prefix("nereid-").permissions(private).tempdir();
    let sent = sent.map_err(|error| LoadError::new(format!("no temporary folder: {error}")))?;
    for (name, content) in files {
        if !stays_inside(name) {
            let text = format!("file '{name}' must be a path in the model's folder");
            return Err(LoadError::new(text));
        }
        write(&sent.path().join(model).join(name), content)?;
    }
    Ok(sent)
}

fn write(path: &Path, content: &[u8]) -> Result<(), LoadError> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, content));
    written.map_err(|error| LoadError::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(config: Option<&str>, files: &[(&str, &'static [u8])]) -> Result<Source, String> {
        find_named("m", config, files)
    }

    fn find_named(
        model: &str,
        config: Option<&str>,
        files: &[(&str, &'static [u8])],
    ) -> Result<Source, String> {
        let files =
            files.iter().map(|(name, content)| ((*name).to_owned(), Bytes::from_static(content)));
        let config = config.map(str::to_owned);
        let overrides = Overrides { config, files: files.collect() };
        Source::find(&[], model, overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn sent_files_are_a_folder_as_long_as_it_is_needed() {
        let source = find(Some("{}"), &[("1/model.onnx", b"x"), ("labels.txt", b"y")]).unwrap();
        let folder = source.folder().clone();
        assert_eq!((folder.versions().unwrap(), folder.config.as_deref()), (vec![1], Some("{}")));
        assert_eq!(fs::read(folder.path.join("1/model.onnx")).unwrap(), b"x");
        drop(source);
        assert!(!folder.path.exists());
    }

    #[test]
    fn what_makes_no_folder_is_refused() {
        let check = |config, files: &[_], expected: &str| {
            let error = find(config, files).err().unwrap_or_default();
            assert!(error.contains(expected), "{error}");
        };
        check(None, &[("1/model.onnx", b"x")], "need a 'config' beside them");
        check(Some("{}"), &[("../model.onnx", b"x")], "must be a path in the model's folder");
        check(Some("{}"), &[("/tmp/model.onnx", b"x")], "must be a path in the model's folder");
        check(Some("{}"), &[], "there is no model 'm'");
        check(Some("{\"nope\":1}"), &[("1/model.onnx", b"x")], "the 'config' of the load: ");
    }

    #[test]
    fn a_model_is_named_as_a_folder_can_be() {
        for name in ["", ".", "..", ".m", "a/b", "a/", "/m", "../m", "m\nE1124 forged", "m\0"] {
            let error = find_named(name, Some("{}"), &[("1/model.onnx", b"x")]).err();
            assert!(error.is_some_and(|it| it.starts_with("a model's name must be")), "{name:?}");
        }
        assert!(find_named("m 1-\u{e9}.x", Some("{}"), &[("1/model.onnx", b"x")]).is_ok());
    }

    #[test]
    fn sent_files_are_nobody_else_s() {
        let [one, two] = [(); 2].map(|()| find(Some("{}"), &[("labels.txt", b"y")]).unwrap());
        assert_ne!(one.folder().path, two.folder().path);
        let around = one.folder().path.parent().unwrap().metadata().unwrap();
        assert_eq!(around.permissions().mode() & 0o777, 0o700);
    }
}
