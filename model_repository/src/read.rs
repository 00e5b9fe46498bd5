//! Reads one model: its folder in, its definitions out, one for each version to be served.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};
use nereid_proto::inference::ModelDynamicBatching;
use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::model_version_policy::PolicyChoice;

use crate::complete::{Completed, complete};
use crate::definition::{Batching, Definition, Scheduling};
use crate::engine;
use crate::ensemble::read_ensemble;
use crate::instances::instances;
use crate::layout::ModelFolder;
use crate::shown;
use crate::stated::{Stated, is_inside};

/// Requests that wait, for a model whose configuration sets no limit (Triton has none; memory is
/// bounded by the bytes in flight as well).
pub const QUEUE_MAX_DEFAULT: usize = 65_536;

/// Reads the model in `folder` and completes it by what `backends` find in its files.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read(
    folder: &ModelFolder,
    backends: &[Arc<dyn Backend>],
) -> Result<Vec<Definition>, LoadError> {
    let stated = Stated::read(folder)?;
    let versions = chosen_versions(folder, &stated)?;
    let mut definitions = Vec::with_capacity(versions.len());
    for version in versions {
        // Every version completes the text anew: their files may differ.
        let stated = Stated::read(folder)?;
        definitions.push(if stated.is_ensemble() {
            read_ensemble(stated, version)?
        } else {
            read_model(folder, stated, version, backends)?
        });
    }
    Ok(definitions)
}

fn chosen_versions(folder: &ModelFolder, stated: &Stated) -> Result<Vec<u64>, LoadError> {
    let mut versions = folder.versions().map_err(|error| {
        LoadError::new(format!("cannot read {}: {error}", folder.path.display()))
    })?;
    let policy = stated.config.version_policy.as_ref();
    match policy.and_then(|policy| policy.policy_choice.as_ref()) {
        Some(PolicyChoice::All(_)) => {}
        Some(PolicyChoice::Specific(specific)) => {
            let wanted = &specific.versions;
            versions.retain(|&version| {
                i64::try_from(version).is_ok_and(|version| wanted.contains(&version))
            });
        }
        Some(PolicyChoice::Latest(latest)) => {
            let count = usize::try_from(latest.num_versions).unwrap_or(usize::MAX).max(1);
            versions.drain(..versions.len().saturating_sub(count));
        }
        None => drop(versions.drain(..versions.len().saturating_sub(1))),
    }
    if versions.is_empty() {
        return Err(LoadError::new(format!(
            "no version to serve: {} needs a folder named by a number, such as 1, that the \
             version policy admits",
            folder.path.display()
        )));
    }
    Ok(versions)
}

fn read_model(
    folder: &ModelFolder,
    mut stated: Stated,
    version: u64,
    backends: &[Arc<dyn Backend>],
) -> Result<Definition, LoadError> {
    let version_folder = folder.path.join(version.to_string());
    let backend = match engine::find(&stated.config, &version_folder, backends) {
        Ok(backend) => backend,
        Err(message) => {
            stated.problems.at("backend", message);
            stated.problems.check()?;
            return Err(LoadError::new("no backend"));
        }
    };
    let file = model_file(&mut stated, &version_folder, backend.as_ref());
    // The engine is asked only about what makes sense so far.
    stated.problems.check()?;
    let parameters = stated.parameters();
    let raw = RawSpec {
        file: file.clone(),
        signature: Signature { inputs: stated.inputs.clone(), outputs: stated.outputs.clone() },
        rows_max: stated.rows_max,
        parameters: parameters.clone(),
    };
    let found = backend.inspect(&raw)?;
    let completed = complete(&mut stated, &found);
    let instances = instances(&mut stated, backend.name());
    stated.problems.check()?;

    let batching = batching(&mut stated, &completed);
    shown::state(&mut stated.config, &completed, backend.as_ref());
    let spec = ModelSpec {
        name: folder.name.as_str().into(),
        version,
        file,
        signature: completed.signature,
        is_batched: completed.is_batched,
        rows_max: completed.rows_max.max(1),
        parameters,
        instances,
    };
    let scheduling = Scheduling::Queue { backend: backend.name(), batching };
    Ok(Definition { config: stated.config, spec, scheduling, warnings: stated.warnings })
}

/// The model's file, which must be there; the version folder for an engine that needs none.
fn model_file(stated: &mut Stated, version_folder: &Path, backend: &dyn Backend) -> PathBuf {
    let Some(default) = backend.file_name() else { return version_folder.to_owned() };
    if stated.config.default_model_filename.is_empty() {
        default.clone_into(&mut stated.config.default_model_filename);
    }
    let name = &stated.config.default_model_filename;
    let file = version_folder.join(name);
    // A pipe would hold up the loader, and what is elsewhere is not the repository's to read.
    let message = if !is_inside(name) {
        format!("default_model_filename '{name}' must be a path in the version's folder")
    } else if !file.is_file() {
        format!("there is no file {}", file.display())
    } else {
        return file;
    };
    stated.problems.at("default_model_filename", message);
    file
}

fn batching(stated: &mut Stated, completed: &Completed) -> Batching {
    let scheduling = &mut stated.config.scheduling_choice;
    if scheduling.is_none() && completed.rows_max > 1 && stated.rows_max == 0 {
        *scheduling = Some(SchedulingChoice::DynamicBatching(ModelDynamicBatching::default()));
    }
    let Some(SchedulingChoice::DynamicBatching(dynamic)) = scheduling else {
        return Batching { rows_max: 1, delay_max: Duration::ZERO, queue_max: QUEUE_MAX_DEFAULT };
    };
    let policy = dynamic.default_queue_policy.as_ref();
    let queue_max = policy.map_or(0, |policy| policy.max_queue_size);
    Batching {
        rows_max: completed.rows_max.max(1),
        delay_max: Duration::from_micros(dynamic.max_queue_delay_microseconds),
        queue_max: match usize::try_from(queue_max) {
            Ok(0) | Err(_) => QUEUE_MAX_DEFAULT,
            Ok(limit) => limit,
        },
    }
}
