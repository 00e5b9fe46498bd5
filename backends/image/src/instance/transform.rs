//! What later steps need to find places in the original again.

use std::sync::Arc;

use nereid_backend::error::InferError;
use nereid_backend::tensor::{Tensor, TensorError};

use super::plan::Drawing;
use crate::signature::{ORIGINAL_SIZE, TRANSFORM};

/// The outputs of these names beside the pictures, a row for each of `drawings`.
///
/// # Errors
/// [`InferError::Backend`] when a tensor cannot be made.
pub(super) fn outputs(
    drawings: &[Drawing],
    names: &[Arc<str>],
    has_batch_axis: bool,
) -> Result<Vec<(Arc<str>, Tensor)>, InferError> {
    let shape = |columns| {
        let shape = [drawings.len(), columns];
        shape[usize::from(!has_batch_axis)..].to_vec()
    };
    let tensor = |name: &str| -> Option<Result<Tensor, TensorError>> {
        match name {
            ORIGINAL_SIZE => {
                let sizes = drawings.iter().flat_map(original_size);
                Some(Tensor::from_values(shape(2), sizes.collect()))
            }
            TRANSFORM => {
                let transforms = drawings.iter().flat_map(transform);
                Some(Tensor::from_values(shape(4), transforms.collect()))
            }
            _ => None,
        }
    };
    let output = |name: &Arc<str>| Some(tensor(name)?.map(|tensor| (name.clone(), tensor)));
    let outputs = names.iter().filter_map(output).collect::<Result<_, _>>();
    outputs.map_err(|error| InferError::Backend(format!("sizes: {error}").into()))
}

/// Height and width.
fn original_size(drawing: &Drawing) -> [i32; 2] {
    let (width, height) = drawing.original;
    [height, width].map(|side| i32::try_from(side).unwrap_or(i32::MAX))
}

/// Scale and offset of both axes: in the output, a place in the original is at
/// `place * scale + offset`, with
///
/// ```text
/// scale  = picture / part                        of the sizes along the axis
/// offset = frame's offset - part's start * scale
/// ```
fn transform(drawing: &Drawing) -> [f32; 4] {
    let Drawing { part, frame, .. } = drawing;
    let axis = |picture: usize, part: usize, start: usize, offset: isize| {
        let scale = float(picture) / float(part);
        let shift = float(offset.unsigned_abs()) * if offset < 0 { -1.0 } else { 1.0 };
        [scale, shift - float(start) * scale]
    };
    let x = axis(frame.picture.0, part.size.0, part.start.0, frame.offset.0);
    let y = axis(frame.picture.1, part.size.1, part.start.1, frame.offset.1);
    [x[0], y[0], x[1], y[1]]
}

/// A side of a picture, which has at most 16 bits.
fn float(pixels: usize) -> f32 {
    f32::from(u16::try_from(pixels).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use nereid_kernels::cpu::Frame;

    use super::*;
    use crate::boxes::Part;

    #[test]
    fn places_are_found_again() {
        let frame = Frame { picture: (200, 50), canvas: (200, 100), offset: (0, 25) };
        let cut = Frame { picture: (20, 10), canvas: (10, 10), offset: (-5, 0) };
        let part = Part { start: (30, 10), size: (10, 20) };
        let cases = [
            (Part::whole((400, 100)), frame, [0.5, 0.5, 0.0, 25.0]),
            (Part::whole((40, 20)), cut, [0.5, 0.5, -5.0, 0.0]),
            (part, Frame::full((20, 10)), [2.0, 0.5, -60.0, -5.0]),
        ];
        for (part, frame, expected) in cases {
            let drawing = Drawing { original: (400, 100), part, frame };
            assert_eq!(transform(&drawing).map(f32::to_bits), expected.map(f32::to_bits));
            assert_eq!(original_size(&drawing), [100, 400]);
        }
    }
}
