//! Collects everything that is wrong with a model, so that it can be mended in one go.

use std::fmt::Display;
use std::path::PathBuf;

use nereid_backend::error::LoadError;
use nereid_proto::config::Spans;

/// What was found in one `config.pbtxt`, each with its line.
#[derive(Clone, Debug)]
pub struct Problems {
    file: PathBuf,
    spans: Spans,
    found: Vec<String>,
}

impl Problems {
    /// None yet; `spans` tells the lines of `file`.
    pub fn new(file: PathBuf, spans: Spans) -> Self {
        Self { file, spans, found: Vec::new() }
    }

    /// Notes a problem of the field at `path`, such as `input[0].dims`.
    pub fn at(&mut self, path: &str, message: impl Display) {
        self.found.push(self.place(path, message));
    }

    /// `message` with the file and the line of the field at `path` before it.
    pub fn place(&self, path: &str, message: impl Display) -> String {
        let file = self.file.display();
        match self.spans.nearest(path) {
            Some(position) => format!("{file}:{position}: {message}"),
            None => format!("{file}: {message}"),
        }
    }

    /// An error with all problems so far, one line each.
    pub fn error(&self) -> LoadError {
        LoadError::new(self.found.join("\n"))
    }

    /// An error with all problems so far, or nothing.
    ///
    /// # Errors
    /// When there is a problem.
    pub fn check(&self) -> Result<(), LoadError> {
        if self.found.is_empty() { Ok(()) } else { Err(self.error()) }
    }
}
