//! Which inputs and outputs a model of this engine has: what the user left out is filled in, and
//! what does not fit is refused.
//!
//! Inputs:
//! - one picture for each row: an encoded file as BYTES of dims `[1]`, or as UINT8 of dims `[-1]`,
//!   which is ragged, since files differ in length; or levels as UINT8 of dims
//!   `[height, width, channels]`, or of NV12 `[height * 3 / 2, width]`;
//! - with `operation: "crop"`, boxes as FP32 of dims `[-1, 4]`.
//!
//! Outputs:
//! - the pictures as UINT8, FP16, FP32 or FP64;
//! - if the configuration lists them, [`ORIGINAL_SIZE`] and [`TRANSFORM`].

use std::fmt;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::options::{InputFormat, Operation, Options};

/// The name of the input of pictures unless the user gives one.
const IMAGE: &str = "IMAGE";
/// The name of the input of boxes unless the user gives one.
const BOXES: &str = "BOXES";
/// The name of the output of pictures unless the user gives one.
const PIXELS: &str = "PIXELS";
/// The output with height and width of each picture as it came, upright: INT32 of dims `[2]`.
pub(crate) const ORIGINAL_SIZE: &str = "ORIGINAL_SIZE";
/// The output with scale x, scale y, offset x, offset y of each picture: FP32 of dims `[4]`. A
/// place in the output is the place in the original times scale plus offset.
pub(crate) const TRANSFORM: &str = "TRANSFORM";

/// Axes of a box.
const BOX_NUMBERS: usize = 4;

/// The types that pictures may have.
const PIXEL_TYPES: [DataType; 4] =
    [DataType::Uint8, DataType::Fp16, DataType::Fp32, DataType::Fp64];

/// What the tensors of a model are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The input of pictures.
    pub(crate) image: Arc<str>,
    /// The input of boxes; empty if there is none.
    pub(crate) boxes: Arc<str>,
    /// The output of pictures.
    pub(crate) pixels: Arc<str>,
}

impl Names {
    /// The names in a complete signature.
    ///
    /// # Errors
    /// When it has no input or no output.
    pub(crate) fn of(signature: &Signature) -> Result<Self, LoadError> {
        let (inputs, outputs) = (&signature.inputs, &signature.outputs);
        let (Some(image), Some(pixels)) = (inputs.first(), pixels_of(outputs)) else {
            return Err(LoadError::new(
                "the image backend needs an input and an output of pictures",
            ));
        };
        let boxes = inputs.get(1).map(|boxes| boxes.name.clone()).unwrap_or_default();
        Ok(Self { image: image.name.clone(), boxes, pixels: pixels.name.clone() })
    }
}

/// The output that is none of the others.
pub(crate) fn pixels_of(outputs: &[TensorSpec]) -> Option<&TensorSpec> {
    outputs.iter().find(|output| ![ORIGINAL_SIZE, TRANSFORM].contains(&&*output.name))
}

/// The signature of a model with these options, of which the user wrote `user`. `rows_max` is
/// `max_batch_size`: if it is not 0, the user's dims have no batch axis, and the answer's have one.
///
/// # Errors
/// Everything in `user` that does not fit, one a line.
pub(crate) fn complete(
    user: &Signature,
    rows_max: usize,
    options: &Options,
) -> Result<Signature, LoadError> {
    let mut errors = Vec::new();
    let is_crop = options.operation != Operation::Prepare;
    if is_crop && rows_max > 0 {
        errors.push(
            "operation \"crop\" takes one image with all its boxes a request, and makes a batch \
             of it: set max_batch_size to 0"
                .into(),
        );
    }
    let inputs = inputs(user, options, &mut errors);
    let outputs = outputs(user, &mut errors);
    let file = file_dims(options.input, inputs[0].data_type);
    let written = pixels_of(&outputs).map_or(0, |pixels| pixels.dims.len());
    let axis = match () {
        () if is_crop => BatchAxis::Absent,
        () => BatchAxis::of(rows_max, (inputs[0].dims.len(), file.len()), written),
    };
    // The crops of a picture are a batch, whoever asks for them.
    let out_axis = if is_crop { BatchAxis::Written } else { axis };
    let mut told = Signature::default();
    for (input, own) in inputs.into_iter().zip([file, vec![Dim::Any, Dim::Fixed(BOX_NUMBERS)]]) {
        let is_boxes = told.inputs.len() == 1;
        if is_boxes {
            check_type((Side::Input, &input), &[DataType::Fp32], &mut errors);
        } else {
            check_image(&input, options.input, rows_max, &mut errors);
        }
        let axis = if is_boxes { BatchAxis::Absent } else { axis };
        told.inputs.push(fitted((Side::Input, input), axis, &own, &mut errors));
    }
    for output in outputs {
        let (types, own): (&[_], Vec<_>) = match &*output.name {
            ORIGINAL_SIZE => (&[DataType::Int32], vec![Dim::Fixed(2)]),
            TRANSFORM => (&[DataType::Fp32], vec![Dim::Fixed(4)]),
            _ => (&PIXEL_TYPES, options.dims().into()),
        };
        check_type((Side::Output, &output), types, &mut errors);
        told.outputs.push(fitted((Side::Output, output), out_axis, &own, &mut errors));
    }
    if errors.is_empty() { Ok(told) } else { Err(LoadError::new(errors.join("\n"))) }
}

/// The inputs that the user wrote, and those that are missing without dims.
fn inputs(user: &Signature, options: &Options, errors: &mut Vec<String>) -> Vec<TensorSpec> {
    let mut inputs = user.inputs.clone();
    if inputs.is_empty() {
        inputs.push(TensorSpec::new(IMAGE, DataType::Bytes, Vec::new()));
    }
    let (count, operation) = match options.operation {
        Operation::Prepare => (1, "prepare"),
        Operation::Crop(_) => (2, "crop"),
    };
    if count == 2 && inputs.len() == 1 {
        inputs.push(TensorSpec::new(BOXES, DataType::Fp32, Vec::new()));
    }
    if inputs.len() > count {
        let actual = inputs.len();
        errors.push(format!(
            "operation \"{operation}\" of the image backend has {count} input(s), the \
             configuration has {actual}"
        ));
        inputs.truncate(count);
    }
    // Files are decoded there, and boxes say how many rows the output has.
    for (index, input) in inputs.iter_mut().enumerate() {
        input.is_read_on_host = index > 0 || options.input == InputFormat::File;
    }
    inputs
}

/// The outputs that the user wrote, with one of pictures if there is none.
fn outputs(user: &Signature, errors: &mut Vec<String>) -> Vec<TensorSpec> {
    let mut outputs = user.outputs.clone();
    if pixels_of(&outputs).is_none() {
        outputs.insert(0, TensorSpec::new(PIXELS, DataType::Fp32, Vec::new()));
    }
    if let Some(pixels) = pixels_of(&outputs).map(|pixels| pixels.name.clone()) {
        for output in &outputs {
            if ![&*pixels, ORIGINAL_SIZE, TRANSFORM].contains(&&*output.name) {
                errors.push(format!(
                    "output '{}': beside one output of pictures, which is '{pixels}', the image \
                     backend has '{ORIGINAL_SIZE}' and '{TRANSFORM}'",
                    output.name
                ));
            }
        }
    }
    outputs
}

/// The axes of one picture in the input.
fn file_dims(format: InputFormat, data_type: DataType) -> Vec<Dim> {
    match format {
        InputFormat::File if data_type == DataType::Uint8 => vec![Dim::Any],
        InputFormat::File => vec![Dim::Fixed(1)],
        InputFormat::Pixels(format) => vec![Dim::Any, Dim::Any, Dim::Fixed(format.channels())],
        InputFormat::Nv12 => vec![Dim::Any, Dim::Any],
    }
}

/// Which list of the configuration a tensor is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// Where the batch axis is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BatchAxis {
    /// `max_batch_size` states it, so dims in the configuration leave it out.
    Implied,
    /// `max_batch_size` is 0, and dims in the configuration have it, or there are none.
    Written,
    /// There is none: one picture a request.
    Absent,
}

impl BatchAxis {
    /// By how many axes the user wrote of input and output, and how many one picture has.
    fn of(rows_max: usize, (input, file): (usize, usize), output: usize) -> Self {
        match (rows_max, output) {
            (1.., _) => Self::Implied,
            (0, _) if input == file => Self::Absent,
            (0, 3) => Self::Absent,
            _ => Self::Written,
        }
    }

    /// The dims that a user writes.
    fn as_written(self, dims: &[Dim]) -> Vec<Dim> {
        let axis = (self == Self::Written).then_some(Dim::Any);
        axis.into_iter().chain(dims.iter().copied()).collect()
    }

    /// The dims that an engine tells.
    fn as_told(self, dims: &[Dim]) -> Vec<Dim> {
        let axis = (self != Self::Absent).then_some(Dim::Any);
        axis.into_iter().chain(dims.iter().copied()).collect()
    }
}

fn check_image(input: &TensorSpec, format: InputFormat, rows_max: usize, errors: &mut Vec<String>) {
    let (name, data_type) = (&input.name, input.data_type);
    let is_file = format == InputFormat::File;
    let text = match data_type {
        DataType::Bytes if is_file => return,
        DataType::Uint8 if is_file && rows_max > 1 && !input.is_ragged => format!(
            "input '{name}' of TYPE_UINT8 needs allow_ragged_batch: true, \
             since files in a batch differ in length"
        ),
        DataType::Uint8 => return,
        _ if is_file => format!(
            "input '{name}' must be TYPE_STRING, or TYPE_UINT8 with allow_ragged_batch, not {}",
            data_type.config_name()
        ),
        _ => format!(
            "input '{name}' must be TYPE_UINT8, as input_format is not \"file\", not {}",
            data_type.config_name()
        ),
    };
    errors.push(text);
}

fn check_type((side, tensor): (Side, &TensorSpec), types: &[DataType], errors: &mut Vec<String>) {
    if !types.contains(&tensor.data_type) {
        let (name, data_type) = (&tensor.name, tensor.data_type.config_name());
        let types: Vec<_> = types.iter().map(|known| known.config_name()).collect();
        let types = types.join(", ");
        errors.push(format!("{side} '{name}' must be {types}, not {data_type}"));
    }
}

/// The tensor with the dims that an engine tells, if the user's fit `own`, those of one picture.
/// Of an input the user may fix what is open.
fn fitted(
    (side, mut tensor): (Side, TensorSpec),
    axis: BatchAxis,
    own: &[Dim],
    errors: &mut Vec<String>,
) -> TensorSpec {
    let written = axis.as_written(own);
    let user = std::mem::take(&mut tensor.dims);
    let fits = |(user, own): (&Dim, &Dim)| match side {
        Side::Input => user == own || *own == Dim::Any,
        Side::Output => user == own || *user == Dim::Any,
    };
    let is_equal = user.len() == written.len() && user.iter().zip(&written).all(fits);
    if !user.is_empty() && !is_equal {
        errors.push(format!(
            "{side} '{}' of {} must have dims {}, which follow from the parameters, not {}{}",
            tensor.name,
            tensor.data_type.config_name(),
            list(&written),
            list(&user),
            if side == Side::Output && written.contains(&Dim::Any) && own.len() == 3 {
                "; with resize \"fixed_height\", equal width_min and width_max make the width fixed"
            } else {
                ""
            }
        ));
    }
    let own =
        if side == Side::Input && is_equal { &user[written.len() - own.len()..] } else { own };
    tensor.dims = axis.as_told(own);
    tensor
}

fn list(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[ {} ]", dims.join(", "))
}

#[cfg(test)]
mod tests;
