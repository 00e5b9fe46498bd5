//! Which instances a model has, and where.

use nereid_backend::device::DeviceId;
use nereid_backend::spec::{InstanceId, InstanceSpec};
use nereid_proto::inference::ModelInstanceGroup;
use nereid_proto::inference::model_instance_group::Kind;

use crate::problems::Problems;
use crate::stated::Stated;

/// Most instances of one model: each is a thread.
const INSTANCES_MAX: usize = 128;

/// One entry for each instance of each group. Without a group: two on the CPU for ONNX Runtime
/// and one for others, as in Triton.
pub(crate) fn instances(stated: &mut Stated, backend: &str) -> Vec<InstanceSpec> {
    if stated.config.instance_group.is_empty() {
        let count = if backend == "onnxruntime" { 2 } else { 1 };
        let name = stated.config.name.clone();
        let group = ModelInstanceGroup { name, count, ..ModelInstanceGroup::default() };
        stated.config.instance_group.push(group);
    }
    let mut count = 0;
    let mut groups = std::mem::take(&mut stated.config.instance_group);
    check_names(&mut stated.problems, &groups);
    for (index, group) in groups.iter_mut().enumerate() {
        let path = format!("instance_group[{index}]");
        if group.name.is_empty() {
            group.name = format!("{}_{index}", stated.config.name);
        }
        match group.kind() {
            Kind::Auto => group.set_kind(Kind::Cpu),
            Kind::Cpu | Kind::Model => {}
            Kind::Gpu => stated.problems.at(
                &format!("{path}.kind"),
                "KIND_GPU: this version of Nereid has no GPU engine; use KIND_CPU or KIND_AUTO",
            ),
        }
        check_gpus(&mut stated.problems, &path, group);
        if group.count < 0 {
            let message = format!("count must be positive, got {}", group.count);
            stated.problems.at(&format!("{path}.count"), message);
        }
        // 0 is what protobuf makes of a count that was left out.
        group.count = group.count.max(1);
        count += usize::try_from(group.count).unwrap_or(1);
        if count > INSTANCES_MAX {
            let message = format!("a model has at most {INSTANCES_MAX} instances");
            stated.problems.at(&format!("{path}.count"), message);
            break;
        }
    }
    stated.config.instance_group = groups;
    let device = DeviceId::Cpu;
    (0..count.min(INSTANCES_MAX)).map(|id| InstanceSpec { id: InstanceId(id), device }).collect()
}

/// A name stands for one group.
fn check_names(problems: &mut Problems, groups: &[ModelInstanceGroup]) {
    for (index, group) in groups.iter().enumerate() {
        let name = &group.name;
        if !name.is_empty() && groups.iter().take(index).any(|other| other.name == *name) {
            let text = format!("instance_group '{name}' is stated twice: rename one");
            problems.at(&format!("instance_group[{index}].name"), text);
        }
    }
}

fn check_gpus(problems: &mut Problems, path: &str, group: &ModelInstanceGroup) {
    if !group.gpus.is_empty() && group.kind() != Kind::Gpu {
        let (name, kind) = (&group.name, group.kind().as_str_name());
        let text = format!(
            "instance group '{name}' has kind {kind} but specifies one or more GPUs: leave gpus out"
        );
        problems.at(&format!("{path}.gpus"), text);
    }
}

#[cfg(test)]
mod tests;
