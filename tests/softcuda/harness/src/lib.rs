//! Runs a test on the software CUDA device, in a process of its own.
//!
//! A process finds its driver by `LD_LIBRARY_PATH`, which is read when it starts, and has one driver,
//! whose counts and violations are of the whole process. So [`SoftCuda::run`] starts the test's binary
//! again for this one test, with the device's library in the way, and there runs the test's body; it
//! fails on a violation or a leak.
//!
//! ```text
//! #[test]
//! fn two_devices_on_the_software_cuda_device() {
//!     SoftCuda::new().set("devices", 2).run(|cuda| { … });
//! }
//! ```

// A part of tests, where a panic is how a fault is told.
#![allow(clippy::unwrap_used, clippy::panic)]

mod library;
mod nvjpeg;

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

pub use library::Library;
pub use nvjpeg::NvjpegDouble;

/// The names of a driver's library.
const DRIVER: [&str; 2] = ["libcuda.so", "libcuda.so.1"];

/// Set in the process that runs the body.
const MARK: &str = "NEREID_ON_SOFTCUDA";

/// What is freed by other threads may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the device of a test is.
#[derive(Default)]
pub struct SoftCuda {
    options: Vec<(&'static str, u64)>,
    folders: Vec<PathBuf>,
    has_nvjpeg: bool,
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

    /// With the libraries of a folder in the way.
    #[must_use]
    pub fn with_folder(mut self, folder: PathBuf) -> Self {
        self.folders.push(folder);
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
        if !is_apart() {
            let folders: Vec<_> = [folder()].into_iter().chain(self.folders).collect();
            return run_apart(test_name::<F>(), &folders, &self.options);
        }
        let library = Library::open();
        body(&library);
        match self.expected {
            None => {
                let end = Instant::now() + PATIENCE;
                if self.has_nvjpeg {
                    NvjpegDouble::open().await_no_objects(end);
                }
                library.await_no_leaks(end);
                assert_eq!(library.violations(), [""; 0], "violations");
            }
            Some(expected) => {
                let found = library.violations();
                let is_told = found.iter().any(|violation| violation.contains(expected));
                assert!(is_told, "expected a violation with {expected:?}, found {found:#?}");
            }
        }
    }
}

impl SoftCuda {
    /// With a library in the way that cargo has built beside the test's binary as `built`, and which
    /// programs look for by `names`.
    fn with_double(self, built: &str, names: &[&str]) -> Self {
        let library = beside_binary(built);
        let name = format!("{}-as-{}", built, names[0]);
        self.with_folder(made(&name, names, |place| symlink(&library, place)))
    }

    /// With libraries of these names in the way that cannot be opened: as if there were none.
    fn without(self, names: &[&str]) -> Self {
        self.with_folder(made(&format!("no-{}", names[0]), names, write_no_library))
    }
}

/// Runs the test's `body` in a process of its own, in which the loader finds no driver, even where
/// there is one.
///
/// # Panics
/// If the body does.
#[track_caller]
pub fn run_without_driver<F: FnOnce()>(body: F) {
    if is_apart() {
        return body();
    }
    let folder = made("no-driver", &DRIVER, write_no_library);
    run_apart(test_name::<F>(), &[folder], &[]);
}

/// Runs the test's `body` in a process of its own, whose driver is a library without any function of
/// a driver.
///
/// # Panics
/// If the body does, or if the process's C library is not found.
#[track_caller]
pub fn run_with_broken_driver<F: FnOnce()>(body: F) {
    if is_apart() {
        return body();
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let library = paths.find(|path| path.contains("/libc.so")).unwrap();
    let folder = made("broken-driver", &DRIVER, |place| symlink(library, place));
    run_apart(test_name::<F>(), &[folder], &[]);
}

fn is_apart() -> bool {
    std::env::var_os(MARK).is_some()
}

#[track_caller]
fn run_apart(test: &str, folders: &[PathBuf], options: &[(&'static str, u64)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--include-ignored"]);
    command.env(MARK, "1").env("LD_LIBRARY_PATH", search_path(folders));
    for (option, value) in options {
        command.env(format!("SOFTCUDA_{}", option.to_uppercase()), value.to_string());
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let ran = told.contains("1 passed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && ran, "in a process of its own:\n{told}{errors}");
}

/// A folder with the library under the names that programs look for, beside the test's binary: to be
/// put first in the `LD_LIBRARY_PATH` of programs that a test starts.
///
/// # Panics
/// If it cannot be made.
pub fn folder() -> PathBuf {
    // Links, so that both names are one file, and loaded once.
    let built = beside_binary("libsoftcuda.so");
    made("softcuda", &DRIVER, |place| symlink(&built, place))
}

/// A folder of this name with what `make` makes of each of `files`.
fn made(name: &str, files: &[&str], make: impl Fn(&Path) -> io::Result<()>) -> PathBuf {
    let folder = beside_binary(name);
    std::fs::create_dir_all(&folder).unwrap();
    for file in files {
        // Tests at the same time, of several binaries, make the same.
        match make(&folder.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
    }
    folder
}

/// The loader gives up at what is found first and is no library.
fn write_no_library(place: &Path) -> io::Result<()> {
    std::fs::write(place, "no library")
}

fn beside_binary(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(name)
}

/// The path to look for libraries in, with `first` before what is there.
fn search_path(first: &[PathBuf]) -> OsString {
    let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = first.iter().cloned().chain(std::env::split_paths(&before));
    std::env::join_paths(folders).unwrap()
}

/// The name by which the test binary knows the test whose closure `F` is: `tests::some_test`.
fn test_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_crate, path)| path);
    path.split("::{{closure}}").next().unwrap_or(path)
}
