//! Groups as they are written and as they are shown.

use super::*;
use crate::fakes::{Engine, problems, signature, stated};

/// An engine that can run on these GPUs, or on none.
fn engine(name: &'static str, gpus: &[u32]) -> Engine {
    let gpus = gpus.to_vec();
    Engine { name, file_name: None, signature: signature(), gpus }
}

/// Name, kind and count of each group, and how many instances there are.
fn check(text: &str, backend: &'static str, groups: &[(&str, Kind, i32)], count: usize) {
    let mut stated = stated(text);
    let instances = instances(&mut stated, &engine(backend, &[]));
    let shown: Vec<_> = stated
        .config
        .instance_group
        .iter()
        .map(|group| (group.name.as_str(), group.kind(), group.count))
        .collect();
    assert_eq!(shown, groups, "{text}");
    let ids: Vec<_> = instances.iter().map(|instance| instance.id.0).collect();
    assert_eq!(ids, (0..count).collect::<Vec<_>>(), "{text}");
    assert!(instances.iter().all(|instance| instance.device == DeviceId::Cpu));
    assert_eq!(problems(&stated), [""; 0], "{text}");
}

#[test]
fn groups() {
    check("", "onnxruntime", &[("m", Kind::Cpu, 2)], 2);
    check("", "image", &[("m", Kind::Cpu, 1)], 1);
    check("instance_group {}", "onnxruntime", &[("m_0", Kind::Cpu, 1)], 1);
    check("instance_group { kind: KIND_MODEL }", "image", &[("m_0", Kind::Model, 1)], 1);
    check(
        "instance_group [ { count: 2 kind: KIND_CPU }, { name: 'g' count: 3 } ]",
        "image",
        &[("m_0", Kind::Cpu, 2), ("g", Kind::Cpu, 3)],
        5,
    );
    check("instance_group { count: 128 }", "image", &[("m_0", Kind::Cpu, 128)], 128);
}

#[test]
fn groups_that_are_refused() {
    let check = |text: &str, expected: &[&str]| {
        let mut stated = stated(text);
        instances(&mut stated, &engine("image", &[]));
        assert_eq!(problems(&stated), expected, "{text}");
    };
    check("instance_group { count: 129 }", &["1:18: a model has at most 128 instances"]);
    check("instance_group { count: 2147483647 }", &["1:18: a model has at most 128 instances"]);
    check(
        "instance_group { count: 128 } instance_group {}",
        &["1:31: a model has at most 128 instances"],
    );
    check("instance_group { kind: KIND_GPU count: -1 }", &["1:33: count must be positive, got -1"]);
    let gpus = |kind| {
        format!(
            "1:35: instance group 'm_0' has kind {kind} but specifies one or more GPUs: leave gpus \
             out"
        )
    };
    check("instance_group { kind: KIND_CPU   gpus: 0 }", &[&gpus("KIND_CPU")]);
    check("instance_group { kind: KIND_MODEL gpus: [ 0, 1 ] }", &[&gpus("KIND_MODEL")]);
    check(
        "instance_group { name: 'g' }\ninstance_group { name: 'g' }",
        &["2:18: instance_group 'g' is stated twice: rename one"],
    );
}

/// Kind, GPUs and count of each group, and where each instance is.
#[test]
fn groups_on_gpus() {
    const CPU: DeviceId = DeviceId::Cpu;
    const ONE: DeviceId = DeviceId::Cuda(0);
    const TWO: DeviceId = DeviceId::Cuda(1);
    let check = |gpus: &[u32], text: &str, groups: &[(Kind, &[i32], i32)], places: &[DeviceId]| {
        let mut stated = stated(text);
        let found = instances(&mut stated, &engine("onnxruntime", gpus));
        let shown: Vec<_> = stated
            .config
            .instance_group
            .iter()
            .map(|group| (group.kind(), group.gpus.as_slice(), group.count))
            .collect();
        assert_eq!(shown, groups, "{text} on {gpus:?}");
        let found: Vec<_> = found.iter().map(|instance| instance.device).collect();
        assert_eq!(found, places, "{text} on {gpus:?}");
        assert_eq!(problems(&stated), [""; 0], "{text}");
    };
    let kind = |kind| format!("instance_group {{ count: 2 kind: KIND_{kind} }}");
    check(&[], "", &[(Kind::Cpu, &[], 2)], &[CPU, CPU]);
    check(&[0, 1], "", &[(Kind::Gpu, &[0, 1], 1)], &[ONE, TWO]);
    check(&[], &kind("AUTO"), &[(Kind::Cpu, &[], 2)], &[CPU, CPU]);
    check(&[0, 1], &kind("AUTO"), &[(Kind::Gpu, &[0, 1], 2)], &[ONE, ONE, TWO, TWO]);
    check(&[0, 1], &kind("CPU"), &[(Kind::Cpu, &[], 2)], &[CPU, CPU]);
    check(&[], &kind("GPU"), &[(Kind::Gpu, &[], 2)], &[ONE, ONE]);
    check(&[0], "instance_group { gpus: 1 }", &[(Kind::Gpu, &[1], 1)], &[TWO]);
    check(
        &[0, 1],
        "instance_group { kind: KIND_GPU gpus: [ 1 ] } instance_group { kind: KIND_CPU }",
        &[(Kind::Gpu, &[1], 1), (Kind::Cpu, &[], 1)],
        &[TWO, CPU],
    );
}

#[test]
fn groups_on_gpus_that_are_refused() {
    let check = |text: &str, expected: &str| {
        let mut stated = stated(text);
        instances(&mut stated, &engine("image", &[0, 1]));
        assert_eq!(problems(&stated), [expected], "{text}");
    };
    let many = "instance_group { count: 65 kind: KIND_GPU }";
    check(many, "1:18: a model has at most 128 instances");
    let negative = "1:18: instance group 'm_0' has a GPU of negative number: -1";
    check("instance_group { gpus: -1 kind: KIND_GPU }", negative);
}
