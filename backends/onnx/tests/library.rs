//! Libraries that cannot be used, and one that can after them.

use std::path::{Path, PathBuf};

use nereid_backend_onnx::{Settings, init};

fn check(path: &Path, expected: &str) {
    let error =
        init(path, Settings::default()).err().map(|error| error.to_string()).unwrap_or_default();
    let start = format!("cannot use {} as the ONNX Runtime library: ", path.display());
    assert!(error.starts_with(&start), "{error}");
    assert!(error.contains(expected), "{error}");
    assert!(error.ends_with("with --onnxruntime-library"), "{error}");
}

/// A library of this process that is not ONNX Runtime.
fn other_library() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let mut paths = maps.lines().filter_map(|line| line.split_whitespace().last());
    paths.find(|path| path.contains("/libc.so")).map(PathBuf::from)
}

#[test]
fn what_cannot_be_used_is_a_clear_error_and_not_the_end() {
    check(Path::new("no/libonnxruntime.so"), "No such file");
    check(Path::new("Cargo.toml"), "invalid ELF header");
    check(&other_library().unwrap(), "it has no function OrtGetApiBase");
    let library = std::env::var_os("NEREID_ONNXRUNTIME_LIBRARY").map(PathBuf::from);
    let library = library.expect("set NEREID_ONNXRUNTIME_LIBRARY to libonnxruntime.so");
    assert!(init(&library, Settings::default()).is_ok());
    check(&library, "only one environment");
}
