//! Runs a test on the software CUDA device, in a process of its own.
//!
//! A process finds its driver by `LD_LIBRARY_PATH`, which is read when it starts, and has one driver,
//! whose counts and violations are of the whole process. So [`SoftCuda::run`] starts the test's binary
//! again for this one test, with the device's library in the way, and there runs the test's body; it
//! fails on a violation or a leak.
//!
//! ```ignore
//! #[test]
//! fn two_devices_on_the_software_cuda_device() {
//!     SoftCuda::new().set("devices", 2).run(|cuda| { … });
//! }
//! ```

mod library;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

pub use library::Library;

/// Set in the process that runs the body.
const MARK: &str = "NEREID_ON_SOFTCUDA";

/// What is freed by other threads may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the device of a test is.
#[derive(Default)]
pub struct SoftCuda {
    options: Vec<(&'static str, u64)>,
    expected: Option<&'static str>,
}

impl SoftCuda {
    /// With one device and all defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With an option of the device (`tests/softcuda/src/options.rs`).
    #[must_use]
    pub fn set(mut self, option: &'static str, value: u64) -> Self {
        self.options.push((option, value));
        self
    }

    /// The body errs, and a violation with this text has to be found: for tests of tests.
    #[must_use]
    pub fn errs(mut self, violation: &'static str) -> Self {
        self.expected = Some(violation);
        self
    }

    /// Runs the test's `body` in a process of its own.
    ///
    /// # Panics
    /// If the body does, on violations that are not expected, and on leaks.
    #[track_caller]
    pub fn run<F: FnOnce(&Library)>(self, body: F) {
        if std::env::var_os(MARK).is_none() {
            return self.run_apart(test_name::<F>());
        }
        let library = Library::open();
        body(&library);
        match self.expected {
            None => {
                library.await_no_leaks(Instant::now() + PATIENCE);
                assert_eq!(library.violations(), [""; 0], "violations");
            }
            Some(expected) => {
                let found = library.violations();
                let is_told = found.iter().any(|violation| violation.contains(expected));
                assert!(is_told, "expected a violation with {expected:?}, found {found:#?}");
            }
        }
    }

    #[track_caller]
    fn run_apart(&self, test: &str) {
        let binary = std::env::current_exe().unwrap();
        let mut command = Command::new(&binary);
        command.args([test, "--exact", "--nocapture", "--include-ignored"]);
        command.env(MARK, "1").env("LD_LIBRARY_PATH", search_path(&folder()));
        for (option, value) in &self.options {
            command.env(format!("SOFTCUDA_{}", option.to_uppercase()), value.to_string());
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let ran = told.contains("1 passed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && ran, "on the software CUDA device:\n{told}{errors}");
    }
}

/// A folder with the library under the names that programs look for, beside the test's binary.
///
/// # Panics
/// If it cannot be made.
pub fn folder() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let beside = binary.parent().unwrap();
    let built = beside.join("libsoftcuda.so");
    // In the test's own process, so that tests at the same time do not write over each other.
    let folder = beside.join("softcuda");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["libcuda.so", "libcuda.so.1"] {
        // A link, so that both are one file, and loaded once.
        match std::os::unix::fs::symlink(&built, folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
    }
    folder
}

/// The path to look for libraries in, with `first` before what is there.
fn search_path(first: &Path) -> OsString {
    let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(std::env::split_paths(&before));
    std::env::join_paths(folders).unwrap()
}

/// The name by which the test binary knows the test whose closure `F` is: `tests::some_test`.
fn test_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_crate, path)| path);
    path.split("::{{closure}}").next().unwrap_or(path)
}
