//! What operations along one axis of their only input have in common.

use nereid_backend::error::{InferError, LoadError};
use nereid_backend::spec::{Dim, Signature};
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::AxisView;

use crate::head::Inputs;

/// The only input.
pub(super) const INPUT: &str = "INPUT";

/// Most elements of one of an operation's outputs. An axis of size 0 has no bytes, so a body's
/// limit does not bound the others.
const ELEMENTS_MAX: usize = 1 << 28;

/// The input's dims as the user wrote them, or one axis, or as many as `axis` needs.
///
/// # Errors
/// When there is no such axis.
pub(super) fn dims(user: &Signature, axis: usize) -> Result<Vec<Dim>, LoadError> {
    let written = user.input(INPUT).map(|input| input.dims.clone()).unwrap_or_default();
    match written.len() {
        0 if axis <= RANK_MAX => Ok(vec![Dim::Any; axis]),
        rank if axis <= rank => Ok(written),
        rank => Err(LoadError::new(format!(
            "parameter 'axis' is -{axis}, but a row of input '{INPUT}' has {rank} axes"
        ))),
    }
}

/// Most axes that are filled in.
const RANK_MAX: usize = 8;

/// All rows of the input seen along `axis`, each of which was checked.
///
/// # Errors
/// When there is no such axis.
pub(super) fn view_of(numbers: &Tensor, axis: usize) -> Result<AxisView, InferError> {
    let shape = numbers.shape();
    let none = || InferError::Invalid(format!("there is no axis -{axis} in shape {shape:?}"));
    AxisView::of(shape, axis).ok_or_else(none)
}

/// The input's shape, and the shape seen along `axis`.
///
/// # Errors
/// When there is no such axis, or too many elements could come out.
pub(super) fn view<'a>(
    inputs: &Inputs<'a>,
    axis: usize,
) -> Result<(&'a [usize], AxisView), InferError> {
    let shape = inputs.tensor(INPUT)?.shape();
    // Sizes of 0 are counted as 1: behind one, the others are not bounded by any bytes.
    let is_small = |view: &AxisView| {
        let sizes = [view.outer, view.length, view.inner];
        let mut sizes = sizes.iter().map(|&size| size.max(1));
        let count = sizes.try_fold(1, usize::checked_mul);
        count.is_some_and(|count| count <= ELEMENTS_MAX)
    };
    let view = AxisView::of(shape, axis).filter(is_small);
    let view = view.ok_or_else(|| {
        InferError::Invalid(format!(
            "input '{INPUT}' of shape {shape:?} must have {axis} axes or more, and at most \
             {ELEMENTS_MAX} elements"
        ))
    })?;
    Ok((shape, view))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use nereid_backend::observer::CopyCounter;
    use nereid_backend::request::{Home, Request};

    use super::*;

    #[test]
    fn axes_behind_one_of_no_size_are_bounded() {
        let error = |shape: &[usize], axis| {
            let input = Tensor::from_values::<f32>(shape.to_vec(), vec![]).unwrap();
            let home = Home::Then(Box::new(|_, _| {}));
            let request = Request::new(vec![(INPUT.into(), input)], NonZeroUsize::MIN, home);
            let inputs = Inputs { request: &request, copies: &CopyCounter::default() };
            view(&inputs, axis).err().map(|error| error.to_string())
        };
        assert_eq!(error(&[0, 1 << 20, 1 << 8], 1), None);
        for (shape, axis) in [([0, 1 << 20, 1 << 9], 3), ([0, 1 << 62, 1 << 62], 3), ([0, 1, 1], 4)]
        {
            let text = error(&shape, axis).unwrap();
            assert!(text.ends_with("axes or more, and at most 268435456 elements"), "{text}");
        }
    }
}
