//! Libraries that cannot be used. A process of its own, since a library that can is opened once in
//! a process and stays.

use std::path::{Path, PathBuf};

use nereid_backend_onnx::init;

fn check(path: &Path, expected: &str) {
    let error = init(path).err().map(|error| error.to_string()).unwrap_or_default();
    let start = format!("cannot use {} as the ONNX Runtime library: ", path.display());
    assert!(error.starts_with(&start), "{error}");
    assert!(error.contains(expected), "{error}");
    assert!(error.ends_with("with --onnxruntime-library"), "{error}");
}

/// A library of this process that is not ONNX Runtime.
fn libc() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths = maps.lines().filter_map(|line| line.split_whitespace().last());
    paths.find(|path| path.contains("/libc.so")).unwrap().into()
}

#[test]
fn a_library_that_cannot_be_used_is_a_clear_error() {
    check(Path::new("no/libonnxruntime.so"), "No such file");
    check(Path::new("Cargo.toml"), "invalid ELF header");
    check(&libc(), "OrtGetApiBase");
}
