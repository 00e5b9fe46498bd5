//! Reads files of certificates and keys.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nereid_backend::error::LoadError;

/// Largest file: thousands of certificates.
const SIZE_BYTES_MAX: u64 = 1 << 20;

/// Any user of the machine may read a file of such a mode.
const READ_BY_ALL: u32 = 0o004;

/// Reads a file that may be read by all.
///
/// # Errors
/// With the path and what was expected, when it cannot be read or is too large.
pub(super) fn read(path: &Path, expected: &str) -> Result<Vec<u8>, LoadError> {
    Ok(open(path, expected)?.0)
}

/// Reads a file that nobody else should read, and warns if anybody can. It is no error: files of
/// Kubernetes' secrets are so by default.
///
/// # Errors
/// As [`read`].
pub(super) fn read_secret(path: &Path, expected: &str) -> Result<Vec<u8>, LoadError> {
    let (content, mode) = open(path, expected)?;
    if mode & READ_BY_ALL != 0 {
        tracing::warn!(
            "{} can be read by every user of this machine (mode {:03o}): make it 400",
            path.display(),
            mode & 0o777
        );
    }
    Ok(content)
}

/// The content and the mode.
fn open(path: &Path, expected: &str) -> Result<(Vec<u8>, u32), LoadError> {
    let wrong = |why: &dyn std::fmt::Display| {
        LoadError::new(format!("cannot read {}, expected {expected}: {why}", path.display()))
    };
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let metadata = file.metadata().map_err(|error| wrong(&error))?;
    if !metadata.is_file() {
        return Err(wrong(&"it is no file"));
    }
    let mut content = Vec::new();
    // One byte more than is admitted: a file may grow meanwhile.
    let size = file.take(SIZE_BYTES_MAX + 1).read_to_end(&mut content);
    if size.map_err(|error| wrong(&error))? as u64 > SIZE_BYTES_MAX {
        return Err(wrong(&format_args!("it has more than {SIZE_BYTES_MAX} bytes")));
    }
    Ok((content, metadata.permissions().mode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_which_file_and_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let huge = folder.path().join("huge");
        let file = File::create(&huge).unwrap();
        file.set_len(SIZE_BYTES_MAX + 1).unwrap();
        for (path, why) in [
            (folder.path().join("nothing"), "No such file"),
            (folder.path().to_owned(), "it is no file"),
            (huge, "it has more than 1048576 bytes"),
        ] {
            let error = read_secret(&path, "a key in PEM").unwrap_err().to_string();
            let expected = format!("cannot read {}, expected a key in PEM: ", path.display());
            assert!(error.starts_with(&expected) && error.contains(why), "{error}");
        }
        let sound = folder.path().join("sound");
        std::fs::write(&sound, "content").unwrap();
        assert_eq!(read(&sound, "anything").unwrap(), b"content");
    }
}
