//! Models made of other models: here, what each says of itself. Whether its steps fit together is
//! known when they are loaded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use nereid_backend::error::LoadError;
use nereid_backend::spec::{EngineOptions, ModelSpec};
use nereid_proto::inference::ModelEnsembling;
use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::model_ensembling;

use crate::definition::{Definition, Ensembling, QUEUE_MAX_DEFAULT, Scheduling, Step};
use crate::engine::ENSEMBLE;
use crate::labels::Labels;
use crate::shown;
use crate::stated::Stated;

/// The ensemble that `stated` describes.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub(crate) fn read_ensemble(mut stated: Stated, version: u64) -> Result<Definition, LoadError> {
    check_platform(&mut stated);
    ENSEMBLE.clone_into(&mut stated.config.platform);
    let ensembling = match &stated.config.scheduling_choice {
        Some(SchedulingChoice::EnsembleScheduling(ensemble)) => ensembling(ensemble),
        _ => ensembling(&ModelEnsembling::default()),
    };
    check(&mut stated, &ensembling.steps);
    stated.problems.check()?;
    shown::state_defaults(&mut stated.config);
    let spec = ModelSpec {
        name: stated.config.name.as_str().into(),
        version,
        file: PathBuf::new(),
        signature: stated.signature(),
        is_batched: stated.rows_max > 0,
        rows_max: stated.rows_max.max(1),
        parameters: BTreeMap::new(),
        engine: EngineOptions::default(),
        instances: Vec::new(),
    };
    let scheduling = Scheduling::Ensemble(ensembling);
    let labels = Labels::read(&spec.signature)?;
    let (config, spec) = (stated.config, Arc::new(spec));
    let warmup = Vec::new();
    Ok(Definition { config, spec, scheduling, labels, warmup, warnings: stated.warnings })
}

fn check_platform(stated: &mut Stated) {
    let platform = &stated.config.platform;
    if !platform.is_empty() && platform != ENSEMBLE {
        let text = format!(
            "ensemble scheduling cannot be set for model '{}' whose platform is not ensemble, but \
             '{platform}': leave platform out",
            stated.config.name
        );
        stated.problems.at("platform", text);
    }
}

fn check(stated: &mut Stated, steps: &[Step]) {
    let Stated { config, problems, inputs, outputs, .. } = stated;
    if steps.is_empty() {
        let path = match config.scheduling_choice {
            Some(SchedulingChoice::EnsembleScheduling(_)) => "ensemble_scheduling",
            _ => "platform",
        };
        problems.at(path, "an ensemble needs ensemble_scheduling with steps");
    }
    for (index, _) in steps.iter().enumerate().filter(|(_, step)| step.model.is_empty()) {
        let path = format!("ensemble_scheduling.step[{index}]");
        problems.at(&path, "a step needs a model_name");
    }
    if !config.instance_group.is_empty() {
        let message = "an ensemble has no instances: the models of its steps have";
        problems.at("instance_group[0]", message);
    }
    if !config.model_warmup.is_empty() {
        let message = "an ensemble has no warm-up: the models of its steps have";
        problems.at("model_warmup[0]", message);
    }
    if config.optimization.is_some() {
        let message = "an ensemble is not optimized: the models of its steps are";
        problems.at("optimization", message);
    }
    if let Some(SchedulingChoice::EnsembleScheduling(ensemble)) = &config.scheduling_choice {
        for (index, step) in ensemble.step.iter().enumerate() {
            if !step.model_namespace.is_empty() {
                let path = format!("ensemble_scheduling.step[{index}].model_namespace");
                problems.at(&path, "model_namespace is not supported by this version of Nereid");
            }
        }
    }
    for (field, tensors) in [("input", inputs), ("output", outputs)] {
        if tensors.is_empty() {
            problems.at(field, format_args!("an ensemble states its {field}s"));
        }
        let reshaped = tensors.iter().enumerate().filter(|(_, tensor)| tensor.reshape.is_some());
        for (index, _) in reshaped {
            let message = "an ensemble does not reshape: the models of its steps do";
            problems.at(&format!("{field}[{index}].reshape"), message);
        }
        let untyped = tensors.iter().enumerate().filter(|(_, tensor)| tensor.data_type.is_none());
        for (index, tensor) in untyped {
            let message = format!("{field} '{}' of an ensemble needs a data_type", tensor.name);
            problems.at(&format!("{field}[{index}]"), message);
        }
        let scalar = tensors.iter().enumerate().filter(|(_, tensor)| tensor.dims.is_empty());
        for (index, tensor) in scalar {
            let message = format!("{field} '{}' of an ensemble needs dims", tensor.name);
            problems.at(&format!("{field}[{index}]"), message);
        }
    }
}

fn ensembling(ensemble: &ModelEnsembling) -> Ensembling {
    let map = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
    };
    let step = |step: &model_ensembling::Step| Step {
        model: step.model_name.clone(),
        version: u64::try_from(step.model_version).ok().filter(|&version| version > 0),
        inputs: map(&step.input_map),
        outputs: map(&step.output_map),
        condition: step.condition.as_deref().map(Arc::from),
    };
    let stated = usize::try_from(ensemble.max_inflight_requests).ok().filter(|&most| most > 0);
    Ensembling {
        steps: ensemble.step.iter().map(step).collect(),
        requests_max: stated.unwrap_or(QUEUE_MAX_DEFAULT),
    }
}

#[cfg(test)]
mod tests;
