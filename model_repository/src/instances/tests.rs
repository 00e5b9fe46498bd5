//! Groups as they are written and as they are shown.

use super::*;
use crate::fakes::{problems, stated};

/// Name, kind and count of each group, and how many instances there are.
fn check(text: &str, backend: &str, groups: &[(&str, Kind, i32)], count: usize) {
    let mut stated = stated(text);
    let instances = instances(&mut stated, backend);
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
        instances(&mut stated, "image");
        assert_eq!(problems(&stated), expected, "{text}");
    };
    let gpu = "KIND_GPU: this version of Nereid has no GPU engine; use KIND_CPU or KIND_AUTO";
    check("instance_group { count: 1 kind: KIND_GPU }", &[&format!("1:27: {gpu}")]);
    check("instance_group { count: 129 }", &["1:18: a model has at most 128 instances"]);
    check("instance_group { count: 2147483647 }", &["1:18: a model has at most 128 instances"]);
    check(
        "instance_group { count: 128 } instance_group {}",
        &["1:31: a model has at most 128 instances"],
    );
    check(
        "instance_group { kind: KIND_GPU count: -1 }",
        &[&format!("1:18: {gpu}"), "1:33: count must be positive, got -1"],
    );
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
