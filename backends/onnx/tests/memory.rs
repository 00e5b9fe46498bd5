//! Memory over many loads: a process of its own, so that nobody else's is counted. It loads on the
//! process's first thread, whose arena of the heap is the one that can be trimmed whole; the harness
//! of tests would not run it there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

#[path = "../src/fixture.rs"]
#[expect(dead_code, reason = "the other tests need all of it")]
mod fixture;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::device::DeviceId;
use nereid_backend::spec::{EngineOptions, InstanceId, InstanceSpec, ModelSpec, RawSpec};
use nereid_backend_onnx::{OnnxRuntime, Settings, init};

use fixture::{FLOAT, Folder, Onnx, engine};

/// Rows and columns of a weight of 10 MB.
const SIDE: u32 = 1600;
const LOADS: usize = 50;
/// In each load, on average.
const GROWTH_BYTES_MAX: usize = 10 << 10;
/// Without trimming, the heap keeps 41 MB.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// Bytes of this process that are in memory: `VmRSS` of proc(5)'s `status`.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
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
        instances: vec![InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu }],
    };
    drop(engine().load(Arc::new(spec)).unwrap());
}

fn main() {
    let folder = Folder::new("memory");
    // Whatever is taken only once is taken by then.
    load(&folder.write("small.onnx", &model(1)));
    let start = resident();
    let file = folder.write("model.onnx", &model(SIDE));
    let load_some = |count: usize| {
        (0..count).for_each(|_| load(&file));
        resident()
    };
    let before = load_some(10);
    let after = load_some(LOADS);
    let sizes =
        format!("{start} bytes at first, {before} after 10 loads, {after} after {LOADS} more");
    assert!(after < before + LOADS * GROWTH_BYTES_MAX, "{sizes}");
    assert!(after < start + KEPT_BYTES_MAX, "{sizes}");
    println!("{sizes}: ok");
}
