//! `nereid init`: the configuration that a model's file completes to, as text that its author may
//! tune. It says nothing that the server would not find by itself.

use std::fmt::Write as _;
use std::path::{Path, absolute};
use std::sync::Arc;

use nereid_backend::backend::Backend;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, RawSpec, TensorSpec};
use nereid_model_repository::complete::{Completed, complete};
use nereid_model_repository::stated::Stated;

/// The text of a `config.pbtxt` for the model in `file`, by the one of `backends` whose models'
/// files have its extension.
///
/// # Errors
/// When there is no such backend, or the file is none of its models.
pub fn config_text(file: &Path, backends: &[Arc<dyn Backend>]) -> Result<String, LoadError> {
    let backend = backend_of(file, backends)?;
    let raw = RawSpec { file: file.to_owned(), ..RawSpec::default() };
    let found = backend.inspect(&raw)?;
    let place = Place::of(file);
    let mut stated = Stated::nothing(&place.model);
    let completed = complete(&mut stated, &found, backend.rows_max_default());
    stated.problems.check()?;
    Ok(text(&place, backend.as_ref(), &completed))
}

fn backend_of<'b>(
    file: &Path,
    backends: &'b [Arc<dyn Backend>],
) -> Result<&'b Arc<dyn Backend>, LoadError> {
    let extension = |name: &str| Path::new(name).extension().map(ToOwned::to_owned);
    let is_of = |backend: &&Arc<dyn Backend>| {
        let name = backend.file_name();
        name.and_then(extension).is_some_and(|known| file.extension() == Some(&known))
    };
    backends.iter().find(is_of).ok_or_else(|| {
        let names: Vec<_> = backends.iter().filter_map(|backend| backend.file_name()).collect();
        let (file, names) = (file.display(), names.join(", "));
        LoadError::new(format!("expected a model's file such as {names}, got {file}"))
    })
}

/// Where in a repository the file is, or would be.
struct Place {
    model: String,
    file: String,
}

impl Place {
    /// In `<model>/<version>/` the folder names the model; elsewhere, the file does.
    fn of(file: &Path) -> Self {
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let file = absolute(file).unwrap_or_else(|_| file.to_owned());
        let version = file.parent();
        let is_version = text(version.and_then(Path::file_name)).parse::<u64>().is_ok();
        let model = version.and_then(Path::parent).filter(|_| is_version).and_then(Path::file_name);
        Self { model: text(model.or(file.file_stem())), file: text(file.file_name()) }
    }
}

fn text(place: &Place, backend: &dyn Backend, completed: &Completed) -> String {
    let Place { model, file } = place;
    let mut text = format!(
        "# Belongs to {model}/config.pbtxt in a model repository, beside {model}/1/{file}.\n\
         name: {}\nbackend: {}\n",
        quoted(model),
        quoted(backend.name())
    );
    if backend.file_name() != Some(file) {
        let _ = writeln!(text, "default_model_filename: {}", quoted(file));
    }
    let rows_max = completed.rows_max;
    let about = if completed.is_batched {
        "Most rows in a batch. Dims below are those of one row."
    } else {
        "0: the model does not batch, since not every input and output has a first axis of any size."
    };
    let _ = writeln!(text, "\n# {about}\nmax_batch_size: {rows_max}\n");
    text.push_str("# -1 is an axis of any size; state a size to accept no other.\n");
    let signature = &completed.signature;
    signature.inputs.iter().for_each(|input| write_tensor(&mut text, "input", input));
    signature.outputs.iter().for_each(|output| write_tensor(&mut text, "output", output));
    if completed.batches_by_default {
        text.push_str(BATCHING);
    }
    text.push_str(INSTANCES);
    text
}

const BATCHING: &str = "
# Requests that wait at the same time run together. A delay lets more of them come together, and
# makes each wait: 100 to 5000 is usual.
dynamic_batching {
  # max_queue_delay_microseconds: 100
}
";

const INSTANCES: &str = "
# How many batches run at the same time.
# instance_group [ { count: 2 kind: KIND_CPU } ]

# Which versions are served, if not the highest.
# version_policy { all {} }
";

fn write_tensor(text: &mut String, field: &str, tensor: &TensorSpec) {
    let (name, data_type) = (quoted(&tensor.name), tensor.data_type.config_name());
    let dims = list(&tensor.dims);
    let _ = write!(text, "{field} {{\n  name: {name}\n  data_type: {data_type}\n  dims: {dims}\n");
    if let Some(shape) = &tensor.reshape {
        text.push_str("  # The model sees this where clients see dims.\n");
        let _ = writeln!(text, "  reshape {{ shape: {} }}", list(shape));
    }
    text.push_str("}\n");
}

fn list(dims: &[Dim]) -> String {
    if dims.is_empty() {
        return "[ ]".to_owned();
    }
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[ {} ]", dims.join(", "))
}

/// A string of protobuf's text format.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03o}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
