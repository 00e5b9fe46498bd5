//! Which input and output a model of this engine has: what the user left out is filled in, and
//! what does not fit is refused.
//!
//! - One input with one encoded file for each row: either BYTES of dims `[1]`, or UINT8 of dims
//!   `[-1]`, which is ragged, since files differ in length.
//! - One FP32 output of dims `[3, height, width]`.

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::options::Options;

/// The input's name unless the user gives one.
const INPUT: &str = "IMAGE";
/// The output's name unless the user gives one.
const OUTPUT: &str = "PIXELS";

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
    let mut input = one("input", &user.inputs, (INPUT, DataType::Bytes), &mut errors);
    let mut output = one("output", &user.outputs, (OUTPUT, DataType::Fp32), &mut errors);
    let file = [if input.data_type == DataType::Uint8 { Dim::Any } else { Dim::Fixed(1) }];
    let picture = options.resize.dims();
    let axis = BatchAxis::of(rows_max, &input.dims, &output.dims);
    check_input(&input, &axis.as_written(&file), rows_max, &mut errors);
    check_output(&output, &axis.as_written(&picture), &mut errors);
    if !errors.is_empty() {
        return Err(LoadError::new(errors.join("\n")));
    }
    input.dims = axis.as_told(&file);
    output.dims = axis.as_told(&picture);
    Ok(Signature { inputs: vec![input], outputs: vec![output] })
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
    fn of(rows_max: usize, input: &[Dim], output: &[Dim]) -> Self {
        match (rows_max, input.len(), output.len()) {
            (1.., _, _) => Self::Implied,
            (0, 1, _) | (0, _, 3) => Self::Absent,
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

/// The only tensor that the user wrote, or one without dims.
fn one(
    what: &str,
    tensors: &[TensorSpec],
    (name, data_type): (&str, DataType),
    errors: &mut Vec<String>,
) -> TensorSpec {
    if tensors.len() > 1 {
        let count = tensors.len();
        errors.push(format!("the image backend has one {what}, the configuration has {count}"));
    }
    tensors.first().cloned().unwrap_or_else(|| TensorSpec::new(name, data_type, Vec::new()))
}

fn check_input(input: &TensorSpec, dims: &[Dim], rows_max: usize, errors: &mut Vec<String>) {
    let (name, data_type) = (&input.name, input.data_type);
    if !matches!(data_type, DataType::Bytes | DataType::Uint8) {
        errors.push(format!(
            "input '{name}' must be TYPE_STRING, or TYPE_UINT8 with allow_ragged_batch, not {}",
            data_type.config_name()
        ));
    } else if !input.dims.is_empty() && input.dims != dims {
        errors.push(format!(
            "input '{name}' of {} must have dims {}, not {}",
            data_type.config_name(),
            list(dims),
            list(&input.dims)
        ));
    }
    if data_type == DataType::Uint8 && rows_max > 1 && !input.is_ragged {
        errors.push(format!(
            "input '{name}' of TYPE_UINT8 needs allow_ragged_batch: true, \
             since files in a batch differ in length"
        ));
    }
}

fn check_output(output: &TensorSpec, dims: &[Dim], errors: &mut Vec<String>) {
    let name = &output.name;
    if output.data_type != DataType::Fp32 {
        let data_type = output.data_type.config_name();
        errors.push(format!("output '{name}' must be TYPE_FP32, not {data_type}"));
    }
    let fits = |(user, own): (&Dim, &Dim)| user == own || *user == Dim::Any;
    let is_equal = output.dims.len() == dims.len() && output.dims.iter().zip(dims).all(fits);
    if !output.dims.is_empty() && !is_equal {
        errors.push(format!(
            "output '{name}' must have dims {}, which follow from the parameters, not {}{}",
            list(dims),
            list(&output.dims),
            if dims.last() == Some(&Dim::Any) {
                "; equal width_min and width_max make the width fixed"
            } else {
                ""
            }
        ));
    }
}

fn list(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[ {} ]", dims.join(", "))
}

#[cfg(test)]
mod tests;
