//! Model files that are cut or changed: each is an error or a model, and the process goes on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

#[path = "../src/fixture.rs"]
#[expect(dead_code, reason = "the other tests need all of it")]
mod fixture;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nereid_backend::backend::Backend;
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{EngineOptions, InstanceId, InstanceSpec, ModelSpec, RawSpec};
use nereid_backend_onnx::{OnnxRuntime, Settings, init};

use fixture::{FLOAT, Folder, Onnx, engine};

/// Fetched by `make fetch`.
const REAL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/models/text_detector/1/model.onnx");

/// How long a test goes on with a real model, whose loads take a tenth of a second and more.
const TIME_MAX: Duration = Duration::from_secs(5);

/// What the server does with a file.
fn load(file: &Path) -> Result<(), LoadError> {
    let raw = RawSpec { file: file.to_owned(), ..RawSpec::default() };
    let spec = ModelSpec {
        name: "m".into(),
        version: 1,
        file: file.to_owned(),
        signature: engine().inspect(&raw)?,
        is_batched: false,
        rows_max: 1,
        parameters: raw.parameters,
        engine: EngineOptions::default(),
        instances: vec![ON_HOST],
    };
    let model = engine().load(Arc::new(spec))?;
    model.spawn(ON_HOST).map(drop)
}

const ON_HOST: InstanceSpec = InstanceSpec { id: InstanceId(0), device: DeviceId::Cpu };

fn model() -> Vec<u8> {
    let weights = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    Onnx::new()
        .input("x", FLOAT, &[-1, 2])
        .weight("w", FLOAT, &[2, 2], &weights)
        .node("MatMul", &["x", "w"], "h")
        .node("Relu", &["h"], "y")
        .output("y", FLOAT, &[-1, 2])
        .encode()
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    let folder = Folder::new("cut");
    let whole = model();
    load(&folder.write("model.onnx", &whole)).unwrap();
    for length in 0..whole.len() {
        let error = load(&folder.write("model.onnx", &whole[..length])).unwrap_err();
        assert!(error.to_string().contains("model.onnx"), "at {length}: {error}");
    }
}

#[test]
fn a_file_of_which_any_byte_is_another_is_an_error_or_a_model() {
    let folder = Folder::new("changed");
    let mut file = model();
    let mut refused = 0;
    for index in 0..file.len() {
        let byte = file[index];
        for other in [0, byte ^ 1, !byte, 0x7F, 0xFF] {
            file[index] = other;
            refused += usize::from(load(&folder.write("model.onnx", &file)).is_err());
        }
        file[index] = byte;
    }
    assert!(refused > file.len(), "{refused}");
    load(&folder.write("model.onnx", &file)).unwrap();
}

#[test]
fn a_real_model_that_is_cut_or_changed_is_no_end_of_the_process() {
    let Ok(mut file) = fs::read(REAL) else {
        println!("skipped: run `make fetch` for the model");
        return;
    };
    let folder = Folder::new("real");
    let start = Instant::now();
    for part in 1..40 {
        let cut = folder.write("model.onnx", &file[..file.len() * part / 40]);
        assert!(load(&cut).is_err(), "{part}/40");
    }
    let mut number = 0x9E37_79B9_7F4A_7C15_u64; // The same places each time.
    let mut tried = 0;
    while start.elapsed() < TIME_MAX {
        for _ in 0..20 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = usize::try_from(number >> 33).unwrap() % file.len();
            file[index] = number.to_le_bytes()[3];
        }
        let _either = load(&folder.write("model.onnx", &file));
        tried += 1;
    }
    assert!(tried > 0);
}
