//! What ran, for the headings and reports of `make test` and `make test-gpu`.

use std::fs::OpenOptions;
use std::io::Write as _;

/// The file that a line is added to for each test, if it is set.
const FILE: &str = "NEREID_CUDA_REPORT";

/// How a test on a device ended.
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// A test that is running. One that is not ended has failed.
pub(crate) struct Report<'a> {
    test: &'a str,
    outcome: Outcome,
}

impl<'a> Report<'a> {
    pub(crate) fn of(test: &'a str) -> Self {
        Self { test, outcome: Outcome::Failed }
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        match self.outcome {
            Outcome::Passed => note("pass", self.test, ""),
            Outcome::Failed => note("FAIL", self.test, ""),
            Outcome::Skipped(reason) => {
                eprintln!("SKIPPED {}: {reason}", self.test);
                note("skip", self.test, reason);
            }
        }
    }
}

/// Adds a line of its outcome, crate, name and reason, with tabs between, to the report. Cargo says
/// whose test it is.
///
/// # Panics
/// If the file cannot be written.
pub fn note(outcome: &str, test: &str, reason: &str) {
    let Some(path) = std::env::var_os(FILE) else { return };
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // At once, as tests of several threads and processes write to it.
    let line = format!("{outcome}\t{package}\t{test}\t{reason}\n");
    file.write_all(line.as_bytes()).unwrap();
}
