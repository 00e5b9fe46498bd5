//! What kernels find wrong with the values of a row.

use std::ops::Range;

use nereid_backend::error::InferError;
use nereid_kernels::cuda::{BAD_CLASS, BAD_SIZE, BAD_TRANSFORM};
use nereid_kernels::heads::Faults;

use super::Group;

/// Those of a group, made when the first is looked for.
///
/// # Errors
/// What the device tells.
pub(crate) fn of<'f>(
    group: &Group<'_>,
    faults: &'f mut Option<Faults>,
) -> Result<&'f mut Faults, InferError> {
    match faults {
        Some(faults) => Ok(faults),
        None => Ok(faults.insert(Faults::new(group.executor, group.rows())?)),
    }
}

/// Checks that there is nothing wrong with these rows.
///
/// # Errors
/// [`InferError::Invalid`]; unlike the CPU's it does not tell the values, which are not at hand.
pub(crate) fn check(faults: &[i32], rows: Range<usize>) -> Result<(), InferError> {
    let told = faults.get(rows).unwrap_or_default().iter().fold(0, |told, bits| told | bits);
    let text = if told & BAD_SIZE != 0 {
        "input 'ORIGINAL_SIZE' must be height and width, each 0 to 65535"
    } else if told & BAD_TRANSFORM != 0 {
        "scales must be greater than 0 and all of scale and offset finite"
    } else if told & BAD_CLASS != 0 {
        "input 'CLASSES': a class of a candidate does not fit INT32"
    } else {
        return Ok(());
    };
    Err(InferError::Invalid(text.into()))
}
