//! Reads one model: its folder in, its definitions out, one for each version to be served.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec};

use crate::accelerators;
use crate::batching::batching;
use crate::complete::complete;
use crate::completion::{self, Completion};
use crate::definition::{Definition, Scheduling};
use crate::engine;
use crate::ensemble::read_ensemble;
use crate::instances::instances;
use crate::labels::Labels;
use crate::layout::{ModelFolder, stays_inside};
use crate::shown;
use crate::stated::Stated;
use crate::versions;
use crate::warmup;

/// What is needed to read any model.
pub struct Reader {
    /// The engines, which look into models' files.
    pub backends: Vec<Arc<dyn Backend>>,
    /// Whether what a configuration leaves out is taken from there.
    pub completion: Completion,
}

impl Reader {
    /// Reads the model in `folder` and completes it by what the backends find in its files.
    ///
    /// # Errors
    /// Everything that is wrong with it, one line each.
    pub fn read(&self, folder: &ModelFolder) -> Result<Vec<Definition>, LoadError> {
        let mut stated = Stated::read(folder)?;
        if self.completion == Completion::Disabled {
            completion::check_stated(&mut stated, folder)?;
        }
        let versions = versions::choose(folder, &mut stated)?;
        let mut definitions = Vec::with_capacity(versions.len());
        for version in versions {
            // Every version completes the text by itself: their files may differ.
            let stated = stated.clone();
            definitions.push(if stated.is_ensemble() {
                read_ensemble(stated, version)?
            } else {
                self.read_model(folder, stated, version)?
            });
        }
        Ok(definitions)
    }

    fn read_model(
        &self,
        folder: &ModelFolder,
        mut stated: Stated,
        version: u64,
    ) -> Result<Definition, LoadError> {
        let version_folder = folder.path.join(version.to_string());
        let backend = match engine::find(&stated.config, &version_folder, &self.backends) {
            Ok(backend) => backend,
            Err(message) => {
                let is_by_platform = stated.config.backend.is_empty();
                stated.problems.at(if is_by_platform { "platform" } else { "backend" }, message);
                return Err(stated.problems.error());
            }
        };
        let file = model_file(&mut stated, &version_folder, backend.as_ref());
        let instances = instances(&mut stated, backend.as_ref());
        accelerators::read(&mut stated, backend.name(), &instances);
        // The engine is asked only about what makes sense so far.
        stated.problems.check()?;
        let parameters = stated.parameters();
        let raw = RawSpec {
            file: file.clone(),
            signature: stated.signature().as_the_engine_has_it(),
            rows_max: stated.rows_max,
            parameters: parameters.clone(),
        };
        let found = backend.inspect(&raw).map_err(|faults| stated.place_faults(&faults))?;
        if self.completion == Completion::Disabled {
            completion::check_found(&mut stated, &found);
        }
        let completed = complete(&mut stated, &found, backend.rows_max_default());
        let batching = batching(&mut stated, &completed);
        let warmup = warmup::read(&mut stated, &folder.path, &completed);
        stated.problems.check()?;

        shown::state(&mut stated.config, &completed, backend.as_ref());
        let spec = ModelSpec {
            name: folder.name.as_str().into(),
            version,
            file,
            signature: completed.signature,
            is_batched: completed.is_batched,
            rows_max: completed.rows_max.max(1),
            parameters,
            engine: stated.engine,
            instances,
        };
        let scheduling = Scheduling::Queue { backend: backend.name(), batching };
        let labels = Labels::read(&spec.signature)?;
        let (config, spec) = (stated.config, Arc::new(spec));
        Ok(Definition { config, spec, scheduling, labels, warmup, warnings: stated.warnings })
    }
}

/// The model's file, which must be there; the version folder for an engine that needs none.
fn model_file(stated: &mut Stated, version_folder: &Path, backend: &dyn Backend) -> PathBuf {
    let Some(default) = backend.file_name() else { return version_folder.to_owned() };
    if stated.config.default_model_filename.is_empty() {
        default.clone_into(&mut stated.config.default_model_filename);
    }
    let name = &stated.config.default_model_filename;
    let file = version_folder.join(name);
    if !stays_inside(name) {
        let message =
            format!("default_model_filename '{name}' must be a path in the version's folder");
        stated.problems.at("default_model_filename", message);
    } else if !file.is_file() && !file.is_dir() {
        // Anything else, such as a pipe, would hold up the loader.
        let message = format!("there is no file {}", file.display());
        stated.problems.at("default_model_filename", message);
    }
    file
}

#[cfg(test)]
mod tests;
