//! A model's parameters, and what runs make of them.

use super::*;
use crate::parameters::Arena;
use crate::session_options::SessionOptions;
use crate::settings::Settings;

#[test]
fn answers_do_not_depend_on_parameters() {
    let folder = Folder::new("parameters");
    let check = |key: &str, value: &str| {
        let mut spec = spec(&folder, &add().encode(), true).unwrap();
        spec.parameters = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let model = engine().load(Arc::new(spec)).unwrap();
        let inputs = [("a", ints(1, 1)), ("b", ints(1, 1))];
        let c = run(&mut *spawn(&*model), 1, &inputs, &["c"]).unwrap().remove(0).1;
        assert_eq!(c.values::<i32>(), Some(&[2, 4][..]), "{key}");
    };
    check("enable_mem_arena", "0");
    check("enable_mem_pattern", "0");
    check("execution_mode", "1");
    check("session.use_device_allocator_for_initializers", "1");
    check("memory.enable_memory_arena_shrinkage", "cpu:0");
    check("gpu_mem_limit", "1");
}

/// Shrinking an arena that is not there is an error of ONNX Runtime, which tells that both options
/// have reached it. A configuration that asks for both is refused.
#[test]
fn the_arena_is_as_the_parameters_say() {
    let folder = Folder::new("arena");
    let mut spec = spec(&folder, &add().encode(), true).unwrap();
    spec.parameters = BTreeMap::from([("enable_mem_arena".to_owned(), "0".to_owned())]);
    let options = SessionOptions::new(&spec, &Settings::default()).unwrap();
    let session =
        SharedSession::open(engine().environment().unwrap(), &spec.file, &options).unwrap();
    let model = Loaded::new(session, Arena::Shrunk, &spec).unwrap();
    let mut instance = CpuInstance::new(Arc::new(model)).unwrap();
    let inputs = [("a", ints(1, 1)), ("b", ints(1, 1))];
    let error = run(&mut instance, 1, &inputs, &["c"]).unwrap_err();
    assert!(error.contains("Did not find an arena based allocator"), "{error}");
}

/// A weight of 4 MB and runs of many rows; without an arena nobody counts.
#[test]
fn memory_is_what_the_arena_holds() {
    const SIDE: u32 = 1024;
    let weight: Vec<u8> = (0..SIDE * SIDE).flat_map(u32::to_le_bytes).collect();
    let side = i64::from(SIDE);
    let file = Onnx::new()
        .input("x", FLOAT, &[-1, side])
        .weight("w", FLOAT, &[SIDE.into(), SIDE.into()], &weight)
        .node("MatMul", &["x", "w"], "y")
        .output("y", FLOAT, &[-1, side]);
    let folder = Folder::new("memory-usage");
    let mut spec = spec(&folder, &file.encode(), false).unwrap();
    let model = engine().load(Arc::new(spec.clone())).unwrap();
    let held = |model: &dyn Model| model.memory().iter().map(|usage| usage.size_bytes).sum::<u64>();
    let loaded = held(&*model);
    assert!((4 << 20..32 << 20).contains(&loaded), "{loaded}");
    let x = Tensor::from_values(vec![8 << 10, 1024], vec![0_f32; 8 << 20]).unwrap();
    drop(run(&mut *spawn(&*model), 1, &[("x", x)], &["y"]).unwrap());
    let ran = held(&*model);
    assert!(ran >= loaded + (32 << 20), "{loaded}, then {ran}");

    spec.parameters = BTreeMap::from([("enable_mem_arena".to_owned(), "0".to_owned())]);
    assert_eq!(engine().load(Arc::new(spec)).unwrap().memory(), []);
}

#[test]
fn wrong_parameters_are_told_before_and_at_loading() {
    let folder = Folder::new("wrong-parameters");
    let mut spec = spec(&folder, &add().encode(), true).unwrap();
    spec.parameters = BTreeMap::from([("execution_mode".to_owned(), "2".to_owned())]);
    let parameters = spec.parameters.clone();
    let raw = RawSpec { file: spec.file.clone(), parameters, ..RawSpec::default() };
    let expected = "parameter 'execution_mode' must be 0 or 1, not \"2\"";
    assert_eq!(engine().inspect(&raw).unwrap_err().to_string(), expected);
    let error = engine().load(Arc::new(spec)).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(expected));
}
