//! Whether a configuration may leave out what a model's file tells, and what must be stated if
//! not. The texts begin as Triton's where it has one.

use nereid_backend::error::LoadError;
use nereid_backend::spec::{Signature, TensorSpec};

use crate::layout::ModelFolder;
use crate::problems::Problems;
use crate::stated::{Stated, StatedTensor};

/// Where what a configuration leaves out comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// From the model's files.
    FromFiles,
    /// From nowhere: it must state all of it.
    Disabled,
}

const WHY: &str = "(nothing is completed from the model's file: --disable-auto-complete-config)";

/// Notes what `stated` leaves out.
///
/// # Errors
/// When the model in `folder` has no configuration at all.
pub(crate) fn check_stated(stated: &mut Stated, folder: &ModelFolder) -> Result<(), LoadError> {
    if folder.config.is_none() && folder.config_text()?.is_none() {
        let path = folder.config_path();
        return Err(LoadError::new(format!(
            "failed to open text file for read {}: No such file or directory; write one, or leave \
             --disable-auto-complete-config out",
            path.display()
        )));
    }
    if stated.is_ensemble() {
        return Ok(()); // It has no file that could tell anything.
    }
    let Stated { config, problems, inputs, outputs, .. } = stated;
    if config.backend.is_empty() && config.platform.is_empty() {
        problems.at("backend", format_args!("must specify 'backend' or 'platform' {WHY}"));
    }
    check_tensors(problems, "input", inputs);
    check_tensors(problems, "output", outputs);
    Ok(())
}

fn check_tensors(problems: &mut Problems, field: &str, tensors: &[StatedTensor]) {
    if tensors.is_empty() {
        problems.at(field, format_args!("model must specify '{field}' {WHY}"));
    }
    for (index, tensor) in tensors.iter().enumerate() {
        let missing = [("data_type", tensor.data_type.is_none()), ("dims", tensor.dims.is_empty())];
        for (what, _) in missing.iter().filter(|(_, is_missing)| *is_missing) {
            let path = format!("{field}[{index}]");
            problems.at(&path, format_args!("model {field} must specify '{what}' {WHY}"));
        }
    }
}

/// Notes what the engine `found` and `stated` leaves out.
pub(crate) fn check_found(stated: &mut Stated, found: &Signature) {
    let Stated { config, problems, inputs, outputs, .. } = stated;
    let mut check = |field: &str, stated: &[StatedTensor], found: &[TensorSpec]| {
        let is_missing =
            |found: &&TensorSpec| stated.iter().all(|known| *known.name != *found.name);
        let missing: Vec<_> =
            found.iter().filter(is_missing).map(|tensor| format!("'{}'", tensor.name)).collect();
        if stated.len() < found.len() {
            let text = format!(
                "unable to load model '{}', configuration expects {} {field}s, model provides {}: \
                 {} is missing {WHY}",
                config.name,
                stated.len(),
                found.len(),
                missing.join(", ")
            );
            problems.at(field, text);
        }
    };
    check("input", inputs, &found.inputs);
    check("output", outputs, &found.outputs);
}
