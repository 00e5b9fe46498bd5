//! Where a resized picture lies in the canvas that a model wants.

use std::ops::Range;

use super::views::{AXIS_MAX, ViewError, check_axes};

/// A picture is resized to `picture`, and pixel (x, y) of that is pixel (x, y) + `offset` of the
/// canvas. What lies outside of the canvas is not drawn; where no picture is, there is padding.
/// All is in pixels, columns first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The size that the picture is resized to.
    pub picture: (usize, usize),
    /// The size of what is drawn, padding included.
    pub canvas: (usize, usize),
    /// Where the picture's first pixel lies: positive behind padding, negative if it is cut.
    pub offset: (isize, isize),
}

impl Frame {
    /// A picture that fills its canvas.
    pub fn full(size: (usize, usize)) -> Self {
        Self { picture: size, canvas: size, offset: (0, 0) }
    }

    /// # Errors
    /// When a side is out of bounds.
    pub(crate) fn check(&self) -> Result<(), ViewError> {
        check_axes(self.picture.0, self.picture.1)?;
        check_axes(self.canvas.0, self.canvas.1)
    }

    /// The columns, and the rows.
    pub(crate) fn axes(&self) -> [Axis; 2] {
        [
            Axis { picture: self.picture.0, canvas: self.canvas.0, offset: self.offset.0 },
            Axis { picture: self.picture.1, canvas: self.canvas.1, offset: self.offset.1 },
        ]
    }
}

/// One axis of a [`Frame`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) picture: usize,
    canvas: usize,
    offset: isize,
}

impl Axis {
    /// Which pixels of the canvas the picture covers; there may be none.
    pub(crate) fn covered(&self) -> Range<usize> {
        let inside = |at: isize| usize::try_from(at.max(0)).unwrap_or(0).min(self.canvas);
        inside(self.offset)..inside(self.offset.saturating_add_unsigned(self.picture))
    }

    /// The picture's first pixel that is drawn, where [`Axis::covered`] begins.
    pub(crate) fn first(&self) -> usize {
        self.offset.min(0).unsigned_abs().min(AXIS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_covers_what_it_shares_with_the_canvas() {
        let cases = [
            ((5, 5, 0), 0..5, 0),
            ((3, 5, 1), 1..4, 0),
            ((9, 5, -2), 0..5, 2),
            ((9, 5, -6), 0..3, 6),
            ((9, 5, 3), 3..5, 0),
            ((2, 5, -2), 0..0, 2),
            ((2, 5, 7), 5..5, 0),
        ];
        for ((picture, canvas, offset), covered, first) in cases {
            let axis = Axis { picture, canvas, offset };
            assert_eq!((axis.covered(), axis.first()), (covered, first), "{axis:?}");
        }
    }
}
