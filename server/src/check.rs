//! `nereid check`: what is wrong with a repository, told without serving it. Models' files are
//! looked into and nothing is loaded, so it needs no engine's library and takes no memory; what an
//! engine finds only while it loads a model stays unsaid.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use nereid_backend::error::LoadError;
use nereid_backend::spec::ModelSpec;
use nereid_model_repository::definition::{Definition, Scheduling, Step};
use nereid_model_repository::layout::{self, ModelFolder};
use nereid_model_repository::read::Reader;
use nereid_model_repository::stated::Stated;

use crate::ensemble::graph::Graph;
use crate::ensemble::nesting::Ensembles;
use crate::registry::Target;

/// What was found. Displayed with a line for each finding, and a summary.
#[derive(Debug, Default)]
pub struct Report {
    models: usize,
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct Finding {
    severity: Severity,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

impl Report {
    /// Whether every model can be served, as far as can be told.
    pub fn is_sound(&self) -> bool {
        self.count(Severity::Error) == 0
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Notes each line of `text` once, with the model's folder where it names no place in it.
    fn note(&mut self, severity: Severity, folder: &ModelFolder, text: &str) {
        let path = folder.path.display().to_string();
        for line in text.lines() {
            let has_place = line.contains(&path);
            let text = if has_place { line.to_owned() } else { format!("{path}: {line}") };
            if !self.findings.iter().any(|known| known.text == text) {
                self.findings.push(Finding { severity, text });
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { severity, text } in &self.findings {
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            writeln!(f, "{severity}: {text}")?;
        }
        let counted = |count: usize, what| {
            let ending = if count == 1 { "" } else { "s" };
            format!("{count} {what}{ending}")
        };
        let models = counted(self.models, "model");
        let errors = counted(self.count(Severity::Error), "error");
        write!(f, "{models}: {errors}, {}", counted(self.count(Severity::Warning), "warning"))
    }
}

/// Reads every model of `repositories`.
///
/// # Errors
/// When a repository cannot be read, or a model is in two of them.
pub fn check(repositories: &[PathBuf], reader: &Reader) -> Result<Report, LoadError> {
    let folders = layout::models(repositories)?;
    let mut report = Report { models: folders.len(), ..Report::default() };
    let mut models = BTreeMap::new();
    for folder in &folders {
        let definitions = reader.read(folder);
        match &definitions {
            Ok(definitions) => {
                for warning in definitions.iter().flat_map(|definition| &definition.warnings) {
                    report.note(Severity::Warning, folder, warning);
                }
            }
            Err(error) => report.note(Severity::Error, folder, &error.to_string()),
        }
        models.insert(folder.name.as_str(), definitions.ok());
    }
    for folder in &folders {
        for definition in models.get(&*folder.name).into_iter().flatten().flatten() {
            if let Err(error) = check_steps(folder, definition, &models) {
                report.note(Severity::Error, folder, &error.to_string());
            }
        }
    }
    Ok(report)
}

/// What could be read of each model of the repositories.
type Models<'f> = BTreeMap<&'f str, Option<Vec<Definition>>>;

/// Checks an ensemble against the models of its steps.
fn check_steps(
    folder: &ModelFolder,
    definition: &Definition,
    models: &Models<'_>,
) -> Result<(), LoadError> {
    let Scheduling::Ensemble(ensembling) = &definition.scheduling else { return Ok(()) };
    // Read again, since only a text that is being read knows its lines.
    let mut problems = Stated::read(folder)?.problems;
    for (index, step) in ensembling.steps.iter().enumerate() {
        if let Some(reason) = reason_of_absence(step, models) {
            let path = format!("ensemble_scheduling.step[{index}].model_name");
            problems.at(&path, format_args!("step {index}: {reason}"));
        }
    }
    let definitions = models.values().flatten().flatten();
    if let Err(wrong) = Ensembles::of(definitions).check(&folder.name) {
        problems.at("ensemble_scheduling", wrong);
    }
    // With a step missing, the rest would complain of what that makes.
    problems.check()?;
    let graph = Graph::new(&definition.spec, &ensembling.steps, |target| find(models, target));
    for fault in graph.err().into_iter().flat_map(|faults| faults.list) {
        problems.at(&fault.path, fault.text);
    }
    problems.check()
}

fn find<'m>(models: &'m Models<'_>, target: &Target) -> Option<&'m ModelSpec> {
    let versions = models.get(target.model.as_str())?.as_ref()?;
    let is_meant = |known: &&Definition| target.version.is_none_or(|it| it == known.spec.version);
    versions.iter().rfind(is_meant).map(|definition| &*definition.spec)
}

fn reason_of_absence(step: &Step, models: &Models<'_>) -> Option<String> {
    let Step { model, version, .. } = step;
    let target = Target { model: model.clone(), version: *version };
    if find(models, &target).is_some() {
        return None;
    }
    Some(match (models.get(model.as_str()), version) {
        (None, _) => {
            format!("there is no model '{model}' here: correct model_name, or add the model")
        }
        (Some(Some(_)), Some(version)) => format!(
            "model '{model}' serves no version {version}: set model_version to -1 for the highest, \
             or admit it by the model's version_policy"
        ),
        (Some(_), _) => format!("model '{model}' cannot be served: see what is wrong with it"),
    })
}

#[cfg(test)]
mod tests;
