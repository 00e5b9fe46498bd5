//! What `config.pbtxt` states, checked as far as it goes by itself.

mod engine;
pub(crate) mod files;
pub(crate) mod scheduling;
mod support;
mod tensors;

pub use tensors::StatedTensor;
pub(crate) use tensors::data_type;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use nereid_backend::error::LoadError;
use nereid_backend::spec::{EngineOptions, Signature, TensorSpec};
use nereid_proto::config::{self, Parsed, Spans};
use nereid_proto::inference::ModelConfig;
use nereid_proto::inference::model_config::SchedulingChoice;

use crate::engine::ENSEMBLE;
use crate::layout::ModelFolder;
use crate::problems::Problems;

/// A configuration that was read, but not completed.
#[derive(Clone, Debug)]
pub struct Stated {
    /// The text as a message; only what was written is set.
    pub config: ModelConfig,
    /// What is wrong so far.
    pub problems: Problems,
    /// Inputs, in the order of the text.
    pub inputs: Vec<StatedTensor>,
    /// Outputs, in the order of the text.
    pub outputs: Vec<StatedTensor>,
    /// `max_batch_size`.
    pub rows_max: usize,
    /// What is asked of the engine.
    pub engine: EngineOptions,
    /// What is accepted, and has no effect.
    pub warnings: Vec<String>,
}

impl Stated {
    /// Of the model `name`, nothing but that.
    pub fn nothing(name: &str) -> Self {
        let config = ModelConfig { name: name.to_owned(), ..ModelConfig::default() };
        Self::of(config, Problems::new(PathBuf::new(), Spans::default()))
    }

    fn of(config: ModelConfig, problems: Problems) -> Self {
        Self {
            config,
            problems,
            inputs: Vec::new(),
            outputs: Vec::new(),
            rows_max: 0,
            engine: EngineOptions::default(),
            warnings: Vec::new(),
        }
    }

    /// Reads and checks the configuration of `folder`; a model without one states nothing.
    ///
    /// # Errors
    /// When the text is not a configuration. What is wrong with its content is in `problems`.
    pub fn read(folder: &ModelFolder) -> Result<Self, LoadError> {
        let parsed = if let Some(json) = &folder.config {
            let config = config::from_json(json).map_err(LoadError::new)?;
            Parsed { config, spans: Spans::default() }
        } else {
            let text = folder.config_text()?.unwrap_or_default();
            let file = folder.config_path();
            config::parse(&text).map_err(|diagnostics| in_file(&file, &diagnostics))?
        };
        Ok(Self::check(folder, parsed))
    }

    /// Checks what was `parsed` as the configuration of `folder`.
    pub fn check(folder: &ModelFolder, parsed: Parsed) -> Self {
        let problems = Problems::new(folder.config_path(), parsed.spans);
        let mut stated = Self::of(parsed.config, problems);
        stated.check_name(&folder.name);
        tensors::read(&mut stated, &folder.path);
        stated.check_batching();
        scheduling::check(&mut stated);
        engine::read(&mut stated, &folder.path);
        support::check(&mut stated);
        stated
    }

    /// Whether it is a graph of other models.
    pub fn is_ensemble(&self) -> bool {
        let scheduling = &self.config.scheduling_choice;
        self.config.platform == ENSEMBLE
            || matches!(scheduling, Some(SchedulingChoice::EnsembleScheduling(_)))
    }

    /// The inputs and outputs whose type is stated.
    pub fn signature(&self) -> Signature {
        let specs = |tensors: &[StatedTensor]| -> Vec<TensorSpec> {
            tensors.iter().filter_map(StatedTensor::spec).collect()
        };
        Signature {
            inputs: specs(&self.inputs),
            outputs: specs(&self.outputs),
            ..Signature::default()
        }
    }

    /// Engine options.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let parameters = self.config.parameters.iter();
        let parameters = parameters.filter(|(key, _)| *key != engine::DEVICE_MEMORY);
        parameters.map(|(key, value)| (key.clone(), value.string_value.clone())).collect()
    }

    /// What an engine says is wrong, each line with the place of the field that it begins with
    /// (see [`Backend::inspect`](nereid_backend::backend::Backend::inspect)).
    pub fn place_faults(&self, faults: &LoadError) -> LoadError {
        let place = |line: &str| match self.path_of_fault(line) {
            Some(path) => self.problems.place(&path, line),
            None => line.to_owned(),
        };
        let lines: Vec<_> = faults.0.lines().map(place).collect();
        LoadError::new(lines.join("\n"))
    }

    fn path_of_fault(&self, line: &str) -> Option<String> {
        let (field, rest) = line.split_once(" '")?;
        let (name, _) = rest.split_once('\'')?;
        let of = |field: &str, tensors: &[StatedTensor]| {
            let index = tensors.iter().position(|tensor| tensor.name == name);
            index.map_or(field.to_owned(), |index| format!("{field}[{index}]"))
        };
        match field {
            "parameter" => Some(format!("parameters[\"{name}\"]")),
            "input" => Some(of("input", &self.inputs)),
            "output" => Some(of("output", &self.outputs)),
            _ => None,
        }
    }

    fn check_name(&mut self, folder: &str) {
        if self.config.name.is_empty() {
            folder.clone_into(&mut self.config.name);
        } else if self.config.name != folder {
            let name = &self.config.name;
            let message = format!(
                "name '{name}' is not the folder's, '{folder}': rename one, or leave the name out"
            );
            self.problems.at("name", message);
        }
    }

    fn check_batching(&mut self) {
        match usize::try_from(self.config.max_batch_size) {
            Ok(rows) => self.rows_max = rows,
            Err(_) => self.problems.at(
                "max_batch_size",
                format_args!(
                    "max_batch_size must be at least 0 (no batching), got {}",
                    self.config.max_batch_size
                ),
            ),
        }
    }
}

fn in_file(file: &Path, diagnostics: &[impl Display]) -> LoadError {
    let file = file.display();
    let lines: Vec<_> =
        diagnostics.iter().map(|diagnostic| format!("{file}:{diagnostic}")).collect();
    LoadError::new(lines.join("\n"))
}

#[cfg(test)]
mod tests;
