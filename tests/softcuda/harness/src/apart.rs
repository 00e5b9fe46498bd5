//! A test in a process of its own, which finds the driver that is meant.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names of a driver's library.
const DRIVER: [&str; 2] = ["libcuda.so", "libcuda.so.1"];

/// Set in the process that runs the body.
const MARK: &str = "NEREID_ON_CUDA";

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

/// Whether this is the process that runs the body.
pub(crate) fn is_apart() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs a test of this binary with the libraries of some folders before the machine's.
#[track_caller]
pub(crate) fn run_apart(test: &str, folders: &[PathBuf], options: &[(&'static str, u64)]) {
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

/// The name by which the test binary knows the test whose closure `F` is: `tests::some_test`.
pub(crate) fn test_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_crate, path)| path);
    path.split("::{{closure}}").next().unwrap_or(path)
}

/// A folder of this name with what `make` makes of each of `files`.
pub(crate) fn made(name: &str, files: &[&str], make: impl Fn(&Path) -> io::Result<()>) -> PathBuf {
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
pub(crate) fn write_no_library(place: &Path) -> io::Result<()> {
    std::fs::write(place, "no library")
}

pub(crate) fn beside_binary(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(name)
}

/// The path to look for libraries in, with `first` before what is there.
fn search_path(first: &[PathBuf]) -> OsString {
    let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = first.iter().cloned().chain(std::env::split_paths(&before));
    std::env::join_paths(folders).unwrap()
}
