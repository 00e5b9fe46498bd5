//! How an input or an output says that it lies in a region of shared memory.

use std::collections::BTreeMap;

use nereid_backend::error::InferError;

use crate::infer::RegionPart;
use crate::inference::InferParameter;
use crate::inference::infer_parameter::ParameterChoice;

/// What the parameters of `tensor` say of shared memory; `None` if they name no region. What is not
/// stated is 0.
///
/// # Errors
/// [`InferError::Invalid`] when one of them is of a wrong type, or negative.
pub(super) fn part(
    parameters: &BTreeMap<String, InferParameter>,
    tensor: &str,
) -> Result<Option<RegionPart>, InferError> {
    let choice = |name: &str| parameters.get(name).map(|value| &value.parameter_choice);
    let wrong = |name: &str, expected: &str| {
        InferError::Invalid(format!(
            "invalid value type for '{name}' parameter for tensor '{tensor}', expected {expected}."
        ))
    };
    let number = |name: &str| match choice(name) {
        None => Ok(0),
        Some(Some(ParameterChoice::Int64Param(value))) => {
            u64::try_from(*value).map_err(|_| wrong(name, "int64_param that is not negative"))
        }
        Some(Some(ParameterChoice::Uint64Param(value))) => Ok(*value),
        Some(_) => Err(wrong(name, "int64_param")),
    };
    let region = match choice("shared_memory_region") {
        None => return Ok(None),
        Some(Some(ParameterChoice::StringParam(region))) => region.as_str().into(),
        Some(_) => return Err(wrong("shared_memory_region", "string_param")),
    };
    let (offset, size_bytes) =
        (number("shared_memory_offset")?, number("shared_memory_byte_size")?);
    Ok(Some(RegionPart { region, offset, size_bytes }))
}
