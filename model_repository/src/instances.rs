//! Which instances a model has, and where. The rules are Triton's: without a group, or with one of
//! `KIND_AUTO`, instances run on every GPU that the engine can use, and on the CPU if there is none;
//! a group has as many instances as it says on each of its GPUs.

use nereid_backend::backend::Backend;
use nereid_backend::device::DeviceId;
use nereid_backend::spec::{InstanceId, InstanceSpec};
use nereid_proto::inference::ModelInstanceGroup;
use nereid_proto::inference::model_instance_group::Kind;

use crate::problems::Problems;
use crate::stated::Stated;

/// Most instances of one model: each is a thread.
const INSTANCES_MAX: usize = 128;

/// One entry for each instance of each group. Without a group: one on each GPU, or two on the CPU
/// for ONNX Runtime and one for others.
pub(crate) fn instances(stated: &mut Stated, backend: &dyn Backend) -> Vec<InstanceSpec> {
    let gpus = backend.gpus(&stated.parameters());
    if stated.config.instance_group.is_empty() {
        let is_many = backend.name() == "onnxruntime" && gpus.is_empty();
        let (name, count) = (stated.config.name.clone(), if is_many { 2 } else { 1 });
        let group = ModelInstanceGroup { name, count, ..ModelInstanceGroup::default() };
        stated.config.instance_group.push(group);
    }
    let mut places = Vec::new();
    let mut groups = std::mem::take(&mut stated.config.instance_group);
    check_names(&mut stated.problems, &groups);
    for (index, group) in groups.iter_mut().enumerate() {
        let path = format!("instance_group[{index}]");
        if group.name.is_empty() {
            group.name = format!("{}_{index}", stated.config.name);
        }
        choose_kind(group, &gpus);
        check_gpus(&mut stated.problems, &path, group);
        if group.count < 0 {
            let message = format!("count must be positive, got {}", group.count);
            stated.problems.at(&format!("{path}.count"), message);
        }
        // 0 is what protobuf makes of a count that was left out.
        group.count = group.count.max(1);
        let count = usize::try_from(group.count).unwrap_or(1).min(INSTANCES_MAX + 1);
        for device in devices(group) {
            places.extend(std::iter::repeat_n(device, count));
        }
        if places.len() > INSTANCES_MAX {
            let message = format!("a model has at most {INSTANCES_MAX} instances");
            stated.problems.at(&format!("{path}.count"), message);
            break;
        }
    }
    stated.config.instance_group = groups;
    let places = places.into_iter().take(INSTANCES_MAX).enumerate();
    places.map(|(id, device)| InstanceSpec { id: InstanceId(id), device }).collect()
}

/// Makes `KIND_AUTO` one of the others, and names the GPUs of a group that names none: all.
fn choose_kind(group: &mut ModelInstanceGroup, gpus: &[u32]) {
    if group.kind() == Kind::Auto {
        group.set_kind(if gpus.is_empty() { Kind::Cpu } else { Kind::Gpu });
    }
    if group.kind() == Kind::Gpu && group.gpus.is_empty() {
        group.gpus = gpus.iter().filter_map(|&ordinal| i32::try_from(ordinal).ok()).collect();
    }
}

/// Where a group has its instances. One of GPUs where there are none has its instances on the first,
/// which says why it is not there when they start.
fn devices(group: &ModelInstanceGroup) -> Vec<DeviceId> {
    if group.kind() != Kind::Gpu {
        return vec![DeviceId::Cpu];
    }
    if group.gpus.is_empty() {
        return vec![DeviceId::Cuda(0)];
    }
    group.gpus.iter().map(|gpu| DeviceId::Cuda(gpu.unsigned_abs())).collect()
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
    let name = &group.name;
    if !group.gpus.is_empty() && group.kind() != Kind::Gpu {
        let kind = group.kind().as_str_name();
        let text = format!(
            "instance group '{name}' has kind {kind} but specifies one or more GPUs: leave gpus out"
        );
        problems.at(&format!("{path}.gpus"), text);
    } else if let Some(gpu) = group.gpus.iter().find(|gpu| **gpu < 0) {
        let text = format!("instance group '{name}' has a GPU of negative number: {gpu}");
        problems.at(&format!("{path}.gpus"), text);
    }
}

#[cfg(test)]
mod tests;
