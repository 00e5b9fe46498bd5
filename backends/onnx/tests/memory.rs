//! Memory over many loads: a process of its own, so that nobody else's is counted.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

#[path = "../src/fixture.rs"]
#[expect(dead_code, reason = "the other tests need all of it")]
mod fixture;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::spec::{EngineOptions, ModelSpec, RawSpec};
use nereid_backend_onnx::{OnnxRuntime, Settings, init};

use fixture::{FLOAT, Folder, Onnx, engine};

/// Rows and columns of a weight of 10 MB.
const SIDE: u32 = 1600;
const LOADS: usize = 50;
/// A model that stayed would take 10 MB a load.
const GROWTH_BYTES_MAX: usize = 1 << 20;
/// Without trimming, the heap keeps 27 MB.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Pages of this process that are in memory: the second number of proc(5)'s `statm`, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn model(side: u32) -> Vec<u8> {
    let numbers = (0..side * side).flat_map(u32::to_le_bytes);
    let (axis, side) = (side.into(), side.into());
    Onnx::new()
        .input("x", FLOAT, &[-1, axis])
        .weight("w", FLOAT, &[side, side], &numbers.collect::<Vec<_>>())
        .node("MatMul", &["x", "w"], "y")
        .output("y", FLOAT, &[-1, axis])
        .encode()
}

fn load(file: &Path) {
    let raw = RawSpec { file: file.to_owned(), ..RawSpec::default() };
    let spec = ModelSpec {
        name: "m".into(),
        version: 1,
        file: file.to_owned(),
        signature: engine().inspect(&raw).unwrap(),
        is_batched: false,
        rows_max: 1,
        parameters: raw.parameters,
        engine: EngineOptions::default(),
        instances: Vec::new(),
    };
    drop(engine().load(Arc::new(spec)).unwrap());
}

#[test]
fn what_a_model_took_is_given_back() {
    let folder = Folder::new("memory");
    // Whatever is taken only once is taken by then.
    load(&folder.write("small.onnx", &model(1)));
    let start = resident();
    let file = folder.write("model.onnx", &model(SIDE));
    // The C library may keep what was freed last until the next load, hence the least of many.
    let least_of_some_loads = || {
        let sizes = (0..LOADS / 2).map(|_| {
            load(&file);
            resident()
        });
        sizes.min().unwrap()
    };
    let before = least_of_some_loads();
    let after = least_of_some_loads();
    let sizes = format!("{start} bytes at first, then {before} and {after}");
    eprintln!("{sizes}");
    assert!(after < before + GROWTH_BYTES_MAX, "{sizes}");
    assert!(after < start + KEPT_BYTES_MAX, "{sizes}");
}
