//! The file that names a model's classes, one a line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature};

/// Largest label file: the 6,625 classes of a Chinese recogniser take 26 KB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The output of names unless the operation calls it otherwise.
pub(crate) const LABELS: &str = "LABELS";

/// The names of the classes; line N names class N.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    /// The file's name, for errors.
    file: String,
    names: Vec<Box<str>>,
}

impl Labels {
    /// Those of the output [`LABELS`], if the model has it.
    ///
    /// # Errors
    /// When it has no file, or that cannot be read.
    pub(crate) fn of(signature: &Signature) -> Result<Option<Self>, LoadError> {
        let Some(output) = signature.output(LABELS) else { return Ok(None) };
        let file = output.labels.as_deref().ok_or_else(|| {
            LoadError::new(format!(
                "output '{LABELS}' needs label_filename: \"labels.txt\", and that file, with one \
                 label a line, in the model's folder"
            ))
        })?;
        Self::read(file).map(Some)
    }

    /// The name of a class; empty if it has none.
    pub(crate) fn name(&self, class: usize) -> &str {
        self.names.get(class).map_or("", AsRef::as_ref)
    }

    /// Reads the file. Of each line only its end is stripped, `\n` or `\r\n`: a label may be a
    /// space.
    ///
    /// # Errors
    /// When it cannot be read, is too large, empty, or not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<Self, LoadError> {
        let error = |what: String| LoadError::new(format!("label file {}: {what}", path.display()));
        let file = File::open(path).map_err(|cause| error(cause.to_string()))?;
        let mut bytes = Vec::new();
        // A pipe or a growing file has no size to ask for, so the limit is on what is read.
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|cause| error(cause.to_string()))?;
        if u64::try_from(bytes.len()).is_ok_and(|size| size > FILE_BYTES_MAX) {
            return Err(error(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|cause| {
            let valid = cause.utf8_error().valid_up_to();
            let line = 1 + cause.as_bytes().iter().take(valid).filter(|&&b| b == b'\n').count();
            error(format!("line {line} is not UTF-8; convert the file to UTF-8"))
        })?;
        if text.is_empty() {
            return Err(error("it is empty; write one label a line, line 1 for class 0".into()));
        }
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { file, names: text.lines().map(Into::into).collect() })
    }

    /// One for each class.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Checks that there is one for each of `classes`.
    ///
    /// # Errors
    /// The text that says what differs.
    pub(crate) fn check_classes(&self, input: &str, classes: usize) -> Result<(), String> {
        let (file, count) = (&self.file, self.names.len());
        if classes == count {
            return Ok(());
        }
        Err(format!(
            "input '{input}' has {classes} classes, the label file {file} has {count} labels"
        ))
    }

    /// Checks what is known before the first request.
    ///
    /// # Errors
    /// Everything that does not fit, one a line.
    pub(crate) fn check(&self, signature: &Signature, blank: usize) -> Result<(), LoadError> {
        let mut errors = Vec::new();
        for input in &signature.inputs {
            if let Some(&Dim::Fixed(classes)) = input.dims.last() {
                errors.extend(self.check_classes(&input.name, classes).err());
            }
        }
        if blank >= self.names.len() {
            let (file, count) = (&self.file, self.names.len());
            errors.push(format!(
                "parameter 'blank' is class {blank}, the label file {file} has {count} labels, \
                 for classes from 0"
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(LoadError::new(errors.join("\n"))) }
    }
}

#[cfg(test)]
mod tests;
