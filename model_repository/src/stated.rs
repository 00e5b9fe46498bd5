//! What `config.pbtxt` states, checked as far as it goes by itself.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, TensorSpec};
use nereid_proto::config;
use nereid_proto::inference::model_config::SchedulingChoice;
use nereid_proto::inference::{self, ModelConfig, ModelInput, ModelOutput};

use crate::engine::ENSEMBLE;
use crate::layout::ModelFolder;
use crate::problems::Problems;

/// A configuration that was read, but not completed.
#[derive(Debug)]
pub struct Stated {
    /// The text as a message; only what was written is set.
    pub config: ModelConfig,
    /// What is wrong so far.
    pub problems: Problems,
    /// Inputs and outputs as written. Those that lack a type are not among them.
    pub inputs: Vec<TensorSpec>,
    /// See `inputs`.
    pub outputs: Vec<TensorSpec>,
    /// `max_batch_size`.
    pub rows_max: usize,
    /// What is accepted, and has no effect.
    pub warnings: Vec<String>,
}

impl Stated {
    /// Reads and checks the configuration of `folder`; a model without one states nothing.
    ///
    /// # Errors
    /// When the text is not a configuration. What is wrong with its content is in `problems`.
    pub fn read(folder: &ModelFolder) -> Result<Self, LoadError> {
        let text = folder.config_text()?.unwrap_or_default();
        let file = folder.config_path();
        let parsed = config::parse(&text).map_err(|diagnostics| in_file(&file, &diagnostics))?;
        let mut stated = Self {
            config: parsed.config,
            problems: Problems::new(file, parsed.spans),
            inputs: Vec::new(),
            outputs: Vec::new(),
            rows_max: 0,
            warnings: Vec::new(),
        };
        stated.check_name(&folder.name);
        stated.check_tensors(&folder.path);
        stated.check_batching();
        stated.check_support();
        Ok(stated)
    }

    /// Whether it is a graph of other models.
    pub fn is_ensemble(&self) -> bool {
        let scheduling = &self.config.scheduling_choice;
        self.config.platform == ENSEMBLE
            || matches!(scheduling, Some(SchedulingChoice::EnsembleScheduling(_)))
    }

    /// Engine options.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let parameters = self.config.parameters.iter();
        parameters.map(|(key, value)| (key.clone(), value.string_value.clone())).collect()
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

    fn check_tensors(&mut self, folder: &Path) {
        let inputs = std::mem::take(&mut self.config.input);
        for (index, input) in inputs.iter().enumerate() {
            let path = format!("input[{index}]");
            let spec = self.input_spec(&path, input);
            self.inputs.extend(spec);
        }
        self.check_unique("input", inputs.iter().map(|input| &*input.name));
        self.config.input = inputs;

        let outputs = std::mem::take(&mut self.config.output);
        for (index, output) in outputs.iter().enumerate() {
            let path = format!("output[{index}]");
            let spec = self.output_spec(&path, output, folder);
            self.outputs.extend(spec);
        }
        self.check_unique("output", outputs.iter().map(|output| &*output.name));
        self.config.output = outputs;
    }

    fn input_spec(&mut self, path: &str, input: &ModelInput) -> Option<TensorSpec> {
        if input.reshape.is_some() {
            self.unsupported(&format!("{path}.reshape"), "reshape");
        }
        let spec = self.tensor_spec(path, &input.name, input.data_type, &input.dims)?;
        let (is_optional, is_ragged) = (input.optional, input.allow_ragged_batch);
        Some(TensorSpec { is_optional, is_ragged, ..spec })
    }

    fn output_spec(
        &mut self,
        path: &str,
        output: &ModelOutput,
        folder: &Path,
    ) -> Option<TensorSpec> {
        if output.reshape.is_some() {
            self.unsupported(&format!("{path}.reshape"), "reshape");
        }
        let labels = self.labels(path, &output.label_filename, folder);
        let spec = self.tensor_spec(path, &output.name, output.data_type, &output.dims)?;
        Some(TensorSpec { labels, ..spec })
    }

    /// The label file's path. It lies in the model's folder: a repository is data, and must not
    /// make the server read what is elsewhere.
    fn labels(&mut self, path: &str, name: &str, folder: &Path) -> Option<PathBuf> {
        if name.is_empty() {
            return None;
        }
        if !is_inside(name) {
            let message = format!("label_filename '{name}' must be a path in the model's folder");
            self.problems.at(&format!("{path}.label_filename"), message);
            return None;
        }
        let file = folder.join(name);
        if !file.is_file() {
            let message = format!("label_filename: there is no file {}", file.display());
            self.problems.at(&format!("{path}.label_filename"), message);
        }
        Some(file)
    }

    fn tensor_spec(
        &mut self,
        path: &str,
        name: &str,
        data_type: i32,
        dims: &[i64],
    ) -> Option<TensorSpec> {
        if name.is_empty() {
            self.problems.at(path, format_args!("{path} needs a name"));
        }
        let mut parsed = Vec::with_capacity(dims.len());
        for &dim in dims {
            match Dim::from_wire(dim) {
                Some(dim) if dim != Dim::Fixed(0) => parsed.push(dim),
                _ => self.problems.at(
                    &format!("{path}.dims"),
                    format_args!("'{name}': dims must be positive, or -1 for any size; got {dim}"),
                ),
            }
        }
        let stated = inference::DataType::try_from(data_type).ok()?;
        let data_type = DataType::from_config_name(stated.as_str_name())?;
        Some(TensorSpec::new(name, data_type, parsed))
    }

    fn check_unique<'a>(&mut self, field: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen: Vec<&str> = Vec::new();
        for (index, name) in names.enumerate() {
            if seen.contains(&name) {
                let path = format!("{field}[{index}]");
                self.problems.at(&path, format_args!("{field} '{name}' is stated twice"));
            }
            seen.push(name);
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

    /// What the field means matters to the answers, so ignoring it would be wrong.
    fn unsupported(&mut self, path: &str, what: &str) {
        self.problems.at(path, format_args!("{what} is not supported by this version of Nereid"));
    }

    fn check_support(&mut self) {
        match &self.config.scheduling_choice {
            Some(SchedulingChoice::SequenceBatching(_)) => {
                self.unsupported("sequence_batching", "sequence batching");
            }
            Some(SchedulingChoice::DynamicBatching(batching)) => {
                let has_effect = [
                    ("preferred_batch_size", batching.preferred_batch_size.is_empty()),
                    ("preserve_ordering", !batching.preserve_ordering),
                    ("priority_levels", batching.priority_levels == 0),
                ];
                let ignored = has_effect.iter().filter(|(_, is_default)| !is_default);
                self.warnings.extend(ignored.map(|(field, _)| no_effect(field)));
            }
            _ => {}
        }
        if self.config.model_transaction_policy.is_some_and(|policy| policy.decoupled) {
            self.unsupported("model_transaction_policy", "a decoupled model");
        }
        if !self.config.batch_input.is_empty() {
            self.unsupported("batch_input", "batch_input");
        }
        if !self.config.batch_output.is_empty() {
            self.unsupported("batch_output", "batch_output");
        }
        let ignored = [
            ("model_warmup", self.config.model_warmup.is_empty()),
            ("response_cache", !self.config.response_cache.is_some_and(|cache| cache.enable)),
        ];
        let ignored = ignored.iter().filter(|(_, is_default)| !is_default);
        self.warnings.extend(ignored.map(|(field, _)| no_effect(field)));
    }
}

/// Whether a path that a configuration states stays in the folder that it is relative to.
pub(crate) fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn no_effect(field: &str) -> String {
    format!("{field} has no effect in this version of Nereid")
}

fn in_file(file: &Path, diagnostics: &[impl Display]) -> LoadError {
    let file = file.display();
    let lines: Vec<_> =
        diagnostics.iter().map(|diagnostic| format!("{file}:{diagnostic}")).collect();
    LoadError::new(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_folder() {
        let check = |path: &str, expected: bool| assert_eq!(is_inside(path), expected, "{path}");
        check("labels.txt", true);
        check("files/labels.txt", true);
        check("..labels", true);
        check("../labels.txt", false);
        check("files/../../labels.txt", false);
        check("/etc/hostname", false);
    }
}
