//! One look at all models of the repositories: names, sizes and times, no contents.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nereid_backend::error::LoadError;

use crate::layout;
use crate::watch::{Entry, Look, Scan};

/// Most files and folders in a model's folder that is watched.
pub const FILES_MAX: usize = 10_000;

/// Most folders inside each other, the model's included; links may make endless ones.
pub const DEPTH_MAX: usize = 16;

/// Looks at every model of `repositories`.
///
/// # Errors
/// As [`layout::models`]: nothing is known then. Of a model that cannot be looked at, its entry
/// tells why.
pub fn scan(repositories: &[PathBuf]) -> Result<Scan, LoadError> {
    let folders = layout::models(repositories)?.into_iter();
    Ok(folders.map(|folder| (folder.name, look(folder.path))).collect())
}

fn look(path: PathBuf) -> Result<Look, LoadError> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![(PathBuf::new(), 1)];
    while let Some((folder, depth)) = folders.pop() {
        let unreadable = |error: io::Error| {
            let folder = path.join(&folder);
            LoadError::new(format!("cannot look for changes in {}: {error}", folder.display()))
        };
        for name in names(&path.join(&folder)).map_err(unreadable)? {
            let inside = folder.join(name);
            let Some(entry) = entry(&path.join(&inside)).map_err(unreadable)? else { continue };
            if entry == Entry::Folder {
                folders.push((inside.clone(), depth + 1));
            }
            entries.insert(inside, entry);
            if entries.len() > FILES_MAX || depth > DEPTH_MAX {
                return Err(LoadError::new(format!(
                    "cannot look for changes in {}: expected at most {FILES_MAX} files, and \
                     {DEPTH_MAX} folders inside each other; move what is not the model's elsewhere",
                    path.display()
                )));
            }
        }
    }
    Ok(Look { path, entries })
}

/// What is in a folder; nothing in one that has just been removed. No more than is too much.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.take(FILES_MAX + 1).map(|entry| Ok(entry?.file_name())).collect()
}

/// What is at `path`, behind links; `None` if that has just been removed.
fn entry(path: &Path) -> io::Result<Option<Entry>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(about) if about.is_dir() => Ok(Some(Entry::Folder)),
        Ok(about) => {
            let modified = about.modified().ok();
            Ok(Some(Entry::File { modified, size_bytes: about.len() }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::fakes::Repository;

    fn scanned(repository: &Repository) -> Scan {
        scan(std::slice::from_ref(&repository.path)).unwrap()
    }

    fn at(repository: &Repository, path: &str, seconds: u64) {
        let file = File::options().write(true).open(repository.path.join(path)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn whatever_happens_to_a_file_is_seen_and_reading_is_not() {
        let repository = Repository::new();
        repository.file("m/1/model.onnx", "abc").file("m/config.pbtxt", "").folders(&["n/1"]);
        at(&repository, "m/1/model.onnx", 5);
        let mut before = scanned(&repository);
        let mut check = |what: &str, expected: bool, act: &dyn Fn()| {
            act();
            let now = scanned(&repository);
            assert_eq!(now["m"] != before["m"], expected, "{what}");
            assert_eq!(now["n"], before["n"], "{what}");
            before = now;
        };
        let path = |path: &str| repository.path.join(path);
        check("nothing", false, &|| {});
        check("read", false, &|| drop(fs::read(path("m/1/model.onnx"))));
        check("newer", true, &|| at(&repository, "m/1/model.onnx", 6));
        check("older", true, &|| at(&repository, "m/1/model.onnx", 4));
        check("longer, of the same time", true, &|| {
            repository.file("m/1/model.onnx", "abcd");
            at(&repository, "m/1/model.onnx", 4);
        });
        check("a folder", true, &|| _ = repository.folders(&["m/2"]));
        check("renamed", true, &|| fs::rename(path("m/2"), path("m/3")).unwrap());
        check("a file", true, &|| _ = repository.file("m/labels.txt", ""));
        check("removed", true, &|| fs::remove_file(path("m/labels.txt")).unwrap());
        check("a link to nothing", false, &|| symlink("nothing", path("m/l")).unwrap());
    }

    #[test]
    fn what_is_behind_a_link_counts() {
        let repository = Repository::new();
        repository.folders(&["m"]).file(".elsewhere/1/model.onnx", "abc");
        symlink("../.elsewhere/1", repository.path.join("m/1")).unwrap();
        at(&repository, ".elsewhere/1/model.onnx", 5);
        let before = scanned(&repository);
        at(&repository, ".elsewhere/1/model.onnx", 6);
        assert_ne!(scanned(&repository), before);
    }

    #[test]
    fn too_much_is_not_looked_at_and_disturbs_no_other_model() {
        let repository = Repository::new();
        repository.folders(&["endless", "m/1", "many"]);
        symlink(".", repository.path.join("endless/more")).unwrap();
        for number in 0..=FILES_MAX {
            repository.file(&format!("many/{number}"), "");
        }
        let found = scanned(&repository);
        for (name, is_ok) in [("endless", false), ("m", true), ("many", false)] {
            assert_eq!(found[name].is_ok(), is_ok, "{name}");
        }
        let error = repository.shorten(found["many"].as_ref().unwrap_err());
        assert!(
            error.starts_with("cannot look for changes in R/many: expected at most"),
            "{error}"
        );
    }
}
