//! What an engine is asked to run a model with: `optimization.execution_accelerators`. ONNX Runtime has
//! them, on GPUs; its backend knows their names. Elsewhere they are refused: a model that silently ran
//! without the one that it was measured with would be hard to explain.

use std::collections::BTreeMap;

use nereid_backend::device::DeviceId;
use nereid_backend::spec::{Accelerator, InstanceSpec};
use nereid_proto::inference::model_optimization_policy::execution_accelerators;

use crate::problems::Problems;
use crate::stated::Stated;

/// Takes over those for `instances` of `backend`.
pub(crate) fn read(stated: &mut Stated, backend: &str, instances: &[InstanceSpec]) {
    let Stated { config, problems, engine, .. } = stated;
    let optimization = config.optimization.as_ref();
    let Some(all) = optimization.and_then(|all| all.execution_accelerators.as_ref()) else {
        return;
    };
    let on_host = "is not supported by this version of Nereid: remove it, and the engine runs the model on the CPU by \
                   itself";
    refuse(problems, "cpu", &all.cpu_execution_accelerator, on_host);
    let is_on_gpu = instances.iter().any(|instance| instance.device != DeviceId::Cpu);
    if backend != "onnxruntime" {
        let text = format!("is for ONNX models: remove it, the backend '{backend}' has none");
        return refuse(problems, "gpu", &all.gpu_execution_accelerator, &text);
    }
    if !is_on_gpu {
        let text = "needs instances on GPUs: set instance_group to kind KIND_GPU, or remove it";
        return refuse(problems, "gpu", &all.gpu_execution_accelerator, text);
    }
    let accelerator = |stated: &execution_accelerators::Accelerator| Accelerator {
        name: stated.name.clone(),
        parameters: BTreeMap::from_iter(stated.parameters.clone()),
    };
    engine.gpu_accelerators = all.gpu_execution_accelerator.iter().map(accelerator).collect();
}

fn refuse(
    problems: &mut Problems,
    side: &str,
    accelerators: &[execution_accelerators::Accelerator],
    text: &str,
) {
    let field = format!("{side}_execution_accelerator");
    for (index, accelerator) in accelerators.iter().enumerate() {
        let path = format!("optimization.execution_accelerators.{field}[{index}]");
        problems.at(&path, format_args!("{field} '{}' {text}", accelerator.name));
    }
}

#[cfg(test)]
mod tests;
