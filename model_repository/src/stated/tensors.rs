//! Inputs and outputs as the text states them. Type and dims may be left to the engine.

use std::path::{Path, PathBuf};

use nereid_backend::data_type::DataType;
use nereid_backend::reshape;
use nereid_backend::spec::{Dim, TensorSpec};
use nereid_proto::inference::model_input::Format;
use nereid_proto::inference::{self, ModelConfig, ModelInput, ModelOutput, ModelTensorReshape};

use super::{Stated, files, support};
use crate::complete::dims_text;
use crate::problems::Problems;

/// One input or output, and what the text says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedTensor {
    /// As clients write it.
    pub name: String,
    /// Element type; `None` leaves it to the engine.
    pub data_type: Option<DataType>,
    /// Axes; none leaves them to the engine, since a message cannot tell that from no axes.
    pub dims: Vec<Dim>,
    /// See [`TensorSpec::reshape`].
    pub reshape: Option<Vec<Dim>>,
    /// See [`TensorSpec::is_optional`].
    pub is_optional: bool,
    /// See [`TensorSpec::is_ragged`].
    pub is_ragged: bool,
    /// See [`TensorSpec::labels`].
    pub labels: Option<PathBuf>,
}

impl StatedTensor {
    /// The tensor, if its type is stated.
    pub fn spec(&self) -> Option<TensorSpec> {
        self.data_type.map(|data_type| self.with(data_type))
    }

    /// The tensor, completed by what the engine `found`, which is reshaped if it has no axes.
    pub fn completed_by(&self, found: &TensorSpec) -> TensorSpec {
        let stated = TensorSpec {
            is_read_on_host: found.is_read_on_host,
            ..self.with(self.data_type.unwrap_or(found.data_type))
        };
        if self.dims.is_empty() {
            TensorSpec { dims: found.dims.clone(), reshape: found.reshape.clone(), ..stated }
        } else {
            stated
        }
    }

    fn with(&self, data_type: DataType) -> TensorSpec {
        TensorSpec {
            reshape: self.reshape.clone(),
            is_optional: self.is_optional,
            is_ragged: self.is_ragged,
            labels: self.labels.clone(),
            ..TensorSpec::new(&self.name, data_type, self.dims.clone())
        }
    }
}

/// Reads the inputs and outputs of `stated`, a model in `folder`.
pub(super) fn read(stated: &mut Stated, folder: &Path) {
    let Stated { config, problems, .. } = stated;
    let inputs = config.input.iter().enumerate();
    stated.inputs = inputs.map(|(index, input)| read_input(problems, index, input)).collect();
    let outputs = config.output.iter().enumerate();
    stated.outputs =
        outputs.map(|(index, output)| read_output(problems, index, output, folder)).collect();
    check_unique(problems, "input", &stated.inputs);
    check_unique(problems, "output", &stated.outputs);
    refuse_shape_tensors(problems, config);
}

fn read_input(problems: &mut Problems, index: usize, input: &ModelInput) -> StatedTensor {
    let path = format!("input[{index}]");
    check_name(problems, &path, &input.name);
    check_format(problems, &path, input);
    if input.is_non_linear_format_io {
        support::refuse(
            problems,
            &format!("{path}.is_non_linear_format_io"),
            "is_non_linear_format_io",
        );
    }
    let dims = read_dims(problems, &format!("{path}.dims"), &input.name, &input.dims);
    StatedTensor {
        name: input.name.clone(),
        data_type: data_type(input.data_type),
        reshape: reshape(problems, &path, (&input.name, &dims), input.reshape.as_ref()),
        dims,
        is_optional: input.optional,
        is_ragged: input.allow_ragged_batch,
        labels: None,
    }
}

fn read_output(
    problems: &mut Problems,
    index: usize,
    output: &ModelOutput,
    folder: &Path,
) -> StatedTensor {
    let path = format!("output[{index}]");
    check_name(problems, &path, &output.name);
    if output.is_non_linear_format_io {
        support::refuse(
            problems,
            &format!("{path}.is_non_linear_format_io"),
            "is_non_linear_format_io",
        );
    }
    let dims = read_dims(problems, &format!("{path}.dims"), &output.name, &output.dims);
    StatedTensor {
        name: output.name.clone(),
        data_type: data_type(output.data_type),
        reshape: reshape(problems, &path, (&output.name, &dims), output.reshape.as_ref()),
        dims,
        is_optional: false,
        is_ragged: false,
        labels: labels(problems, &path, &output.label_filename, folder),
    }
}

fn check_name(problems: &mut Problems, path: &str, name: &str) {
    if name.is_empty() {
        problems.at(path, format_args!("{path} needs a name"));
    }
}

/// A format names three axes.
fn check_format(problems: &mut Problems, path: &str, input: &ModelInput) {
    if input.format() != Format::None && !input.dims.is_empty() && input.dims.len() != 3 {
        let (name, count) = (&input.name, input.dims.len());
        let text = format!("model input NHWC/NCHW require 3 dims for '{name}', got {count}");
        problems.at(&format!("{path}.format"), text);
    }
}

/// What only TensorRT has.
/// A shape tensor has no rows, and its first value would be the batch's size; without batching it is an input like
/// others, and the engine knows which it is.
fn refuse_shape_tensors(problems: &mut Problems, config: &ModelConfig) {
    let inputs = config.input.iter().map(|input| ("input", input.is_shape_tensor));
    let outputs = config.output.iter().map(|output| ("output", output.is_shape_tensor));
    for (index, (field, is_stated)) in inputs.enumerate().chain(outputs.enumerate()) {
        if is_stated && config.max_batch_size > 0 {
            let path = format!("{field}[{index}].is_shape_tensor");
            support::refuse(problems, &path, "is_shape_tensor of a model that batches");
        }
    }
}

/// `None` for `TYPE_INVALID`, which is also what a message has where nothing was said.
pub(crate) fn data_type(number: i32) -> Option<DataType> {
    let stated = inference::DataType::try_from(number).ok()?;
    DataType::from_config_name(stated.as_str_name())
}

fn read_dims(problems: &mut Problems, path: &str, name: &str, dims: &[i64]) -> Vec<Dim> {
    let mut read = Vec::with_capacity(dims.len());
    for &dim in dims {
        match Dim::from_wire(dim) {
            Some(dim) if dim != Dim::Fixed(0) => read.push(dim),
            _ => problems.at(
                path,
                format_args!("'{name}': dims must be positive, or -1 for any size; got {dim}"),
            ),
        }
    }
    read
}

/// The axes that the engine has. Those of clients must be stated beside them.
fn reshape(
    problems: &mut Problems,
    path: &str,
    (name, dims): (&str, &[Dim]),
    stated: Option<&ModelTensorReshape>,
) -> Option<Vec<Dim>> {
    let path = format!("{path}.reshape");
    let shape = read_dims(problems, &path, name, &stated?.shape);
    if dims.is_empty() {
        problems.at(&path, format_args!("'{name}': reshape needs dims, which clients see"));
    } else if let Err(misfit) = reshape::check(dims, &shape) {
        let (dims, shape) = (dims_text(dims), dims_text(&shape));
        problems.at(
            &path,
            format_args!("'{name}': dims {dims} cannot be reshaped to {shape}: {misfit}"),
        );
    }
    Some(shape)
}

/// The label file's path, which must stay in the model's folder.
fn labels(problems: &mut Problems, path: &str, name: &str, folder: &Path) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    let path = format!("{path}.label_filename");
    files::inside(folder, name, "label_filename").map_err(|text| problems.at(&path, text)).ok()
}

fn check_unique(problems: &mut Problems, field: &str, tensors: &[StatedTensor]) {
    for (index, tensor) in tensors.iter().enumerate() {
        let name = &tensor.name;
        if !name.is_empty() && tensors.iter().take(index).any(|other| other.name == *name) {
            let path = format!("{field}[{index}]");
            problems.at(&path, format_args!("{field} '{name}' is stated twice"));
        }
    }
}
