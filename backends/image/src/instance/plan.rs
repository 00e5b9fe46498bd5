//! What is to be drawn for a request, known before any picture is decoded.

use nereid_backend::error::InferError;
use nereid_backend::request::Request;
use nereid_kernels::cpu::Frame;

use super::pictures::Rows;
use crate::boxes::{Boxes, Part};
use crate::error::PictureError;
use crate::geometry::OUTPUT_PIXELS_MAX;
use crate::options::{Operation, Options};
use crate::picture::Picture;
use crate::signature::Names;

/// A request's pictures before they are decoded.
pub(super) struct Plan<'a> {
    pub(super) pictures: Vec<Planned<'a>>,
    /// Of all its drawings, padding included.
    pub(super) canvas: (usize, usize),
}

/// A picture, and what is drawn of it.
pub(super) struct Planned<'a> {
    pub(super) picture: Picture<'a>,
    pub(super) drawings: Vec<Drawing>,
}

/// A part of a picture, and where it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing {
    /// The size of the picture.
    pub(super) original: (usize, usize),
    pub(super) part: Part,
    pub(super) frame: Frame,
}

impl<'a> Plan<'a> {
    /// Reads the headers of a request's pictures.
    ///
    /// # Errors
    /// [`InferError::Invalid`], which tells the picture.
    pub(super) fn of(
        request: &'a Request,
        names: &Names,
        options: &Options,
    ) -> Result<Self, InferError> {
        let rows = request.input(&names.image).map(|input| Rows::of(input, options.input));
        let Some(rows) = rows.filter(|rows| rows.len() > 0) else {
            return Err(InferError::Invalid(format!("input '{}' has no image", names.image)));
        };
        let mut pictures = Vec::with_capacity(rows.len());
        for index in 0..rows.len() {
            let picture = rows.picture(index, options);
            let picture = picture.map_err(|error| invalid(names, (index, rows.len()), &error))?;
            let size = picture.size();
            let parts = match options.operation {
                Operation::Prepare => vec![Part::whole(size)],
                Operation::Crop(boxes) => parts(request, names, boxes, size)?,
            };
            let drawing = |part: Part| {
                let frame = options.resize.frame(part.size);
                Drawing { original: size, part, frame }
            };
            pictures.push(Planned { picture, drawings: parts.into_iter().map(drawing).collect() });
        }
        let drawings = pictures.iter().flat_map(|planned| &planned.drawings);
        let canvas = options.resize.canvas(drawings.map(|drawing| drawing.frame));
        let mut plan = Self { pictures, canvas };
        plan.check_output(names)?;
        for drawing in plan.pictures.iter_mut().flat_map(|planned| &mut planned.drawings) {
            drawing.frame.canvas = canvas;
        }
        Ok(plan)
    }

    /// What is drawn, in the order of the output's rows.
    pub(super) fn drawings(&self) -> impl Iterator<Item = &Drawing> {
        self.pictures.iter().flat_map(|planned| &planned.drawings)
    }

    fn check_output(&self, names: &Names) -> Result<(), InferError> {
        let (count, (width, height)) = (self.drawings().count(), self.canvas);
        let pixels = width.saturating_mul(height).saturating_mul(count);
        if pixels > OUTPUT_PIXELS_MAX {
            return Err(InferError::Invalid(format!(
                "input '{}': {count} images make an output of {pixels} pixels, more than the \
                 {OUTPUT_PIXELS_MAX} that a request may have: send fewer at once",
                names.image
            )));
        }
        Ok(())
    }
}

/// The parts of a picture that a request's boxes are.
fn parts(
    request: &Request,
    names: &Names,
    boxes: Boxes,
    size: (usize, usize),
) -> Result<Vec<Part>, InferError> {
    let bytes = request.input(&names.boxes).and_then(|boxes| boxes.host()).unwrap_or_default();
    // Bytes, as a view into a request may start anywhere.
    let (numbers, _) = bytes.as_chunks::<{ size_of::<f32>() }>();
    let (rows, _) = numbers.as_chunks::<4>();
    let part = |(index, numbers): (usize, &[[u8; 4]; 4])| {
        let numbers = numbers.map(f32::from_le_bytes);
        boxes.part(numbers, size).ok_or_else(|| {
            InferError::Invalid(format!(
                "input '{}'[{index}]: the box {numbers:?} has a number that is not finite",
                names.boxes
            ))
        })
    };
    rows.iter().enumerate().map(part).collect()
}

/// Says which picture of a request is bad; it is the only one if `count` is 1.
pub(super) fn invalid(
    names: &Names,
    (index, count): (usize, usize),
    error: &PictureError,
) -> InferError {
    let input = &names.image;
    InferError::Invalid(match count {
        1 => format!("input '{input}': {error}"),
        _ => format!("input '{input}'[{index}]: {error}"),
    })
}
