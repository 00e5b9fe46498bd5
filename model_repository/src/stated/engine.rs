//! What is asked of the engine outside of its own `parameters`: `optimization`, `model_operations`, the profiles of
//! `instance_group`, and the parameter that every engine has.

use std::path::Path;

use nereid_backend::spec::{GraphLevel, Urgency};
use nereid_proto::inference::model_optimization_policy::ModelPriority;
use nereid_proto::inference::{ModelInstanceGroup, ModelOptimizationPolicy};

use super::{Stated, files, support};
use crate::problems::Problems;

/// The parameter that bounds a model's memory on each device; every engine has it.
pub(super) const DEVICE_MEMORY: &str = "device_memory_byte_size";

/// Reads what `stated`, a model in `folder`, asks of its engine.
pub(super) fn read(stated: &mut Stated, folder: &Path) {
    let Stated { config, problems, warnings, engine, .. } = stated;
    if let Some(operations) = &config.model_operations {
        for (index, name) in operations.op_library_filename.iter().enumerate() {
            let path = format!("model_operations.op_library_filename[{index}]");
            match files::inside(folder, name, "op_library_filename") {
                Ok(library) => engine.op_libraries.push(library),
                Err(text) => problems.at(&path, text),
            }
        }
    }
    if support::may_run_tensorrt(config) {
        engine.profiles = profiles(problems, &config.instance_group);
    }
    if let Some(parameter) = config.parameters.get(DEVICE_MEMORY) {
        engine.device_memory_bytes_max = parameter.string_value.trim().parse().ok();
        if engine.device_memory_bytes_max.is_none_or(|bytes| bytes == 0) {
            let (text, path) = (&parameter.string_value, format!("parameters[{DEVICE_MEMORY}]"));
            problems.at(&path, format_args!("{DEVICE_MEMORY} '{text}' is no number of bytes"));
        }
    }
    let Some(optimization) = &config.optimization else { return };
    engine.urgency = urgency(problems, optimization);
    if let Some(graph) = &optimization.graph {
        engine.graph_level = graph_level(graph.level).unwrap_or_else(|| {
            let text = format!(
                "optimization.graph.level {} is none of -1 (basic), 1 (extended) and 2 (disabled): \
                 all optimizations are done",
                graph.level
            );
            warnings.push(problems.place("optimization.graph.level", text));
            GraphLevel::All
        });
    }
}

fn urgency(problems: &mut Problems, optimization: &ModelOptimizationPolicy) -> Urgency {
    match ModelPriority::try_from(optimization.priority) {
        Ok(ModelPriority::PriorityDefault) => Urgency::Default,
        Ok(ModelPriority::PriorityMax) => Urgency::Max,
        Ok(ModelPriority::PriorityMin) => Urgency::Min,
        Err(_) => {
            let text = format!("priority {} is none", optimization.priority);
            problems.at("optimization.priority", text);
            Urgency::Default
        }
    }
}

/// Those of all groups, which have to be the same: any instance takes any batch.
fn profiles(problems: &mut Problems, groups: &[ModelInstanceGroup]) -> Vec<usize> {
    let Some(first) = groups.first() else { return Vec::new() };
    for (index, group) in groups.iter().enumerate() {
        if group.profile != first.profile {
            let text =
                "instance groups of one model have the same profiles in this version of Nereid";
            problems.at(&format!("instance_group[{index}].profile"), text);
        }
    }
    let number = |(index, text): (usize, &String)| {
        let number = text.trim().parse();
        if number.is_err() {
            let path = format!("instance_group[0].profile[{index}]");
            problems.at(
                &path,
                format_args!("profile '{text}' is no number of an optimization profile"),
            );
        }
        number.ok()
    };
    first.profile.iter().enumerate().filter_map(number).collect()
}

/// The numbers are Triton's; 0 is what a message has where nothing was said.
fn graph_level(number: i32) -> Option<GraphLevel> {
    match number {
        0 => Some(GraphLevel::All),
        -1 => Some(GraphLevel::Basic),
        1 => Some(GraphLevel::Extended),
        2 => Some(GraphLevel::Disabled),
        _ => None,
    }
}
