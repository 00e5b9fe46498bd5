//! Pictures as borrowed memory whose size was checked once, so that kernels need not check again.

/// Longest side of a picture in pixels: that of the largest JPEG (ITU-T T.81, B.2.2).
///
/// It keeps the arithmetic of resizing exact.
pub const AXIS_MAX: usize = 65_535;

/// Colour channels of a picture.
pub(super) const CHANNELS: usize = 3;

/// Why memory is not the picture that it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// A side has no pixel, or more than [`AXIS_MAX`].
    #[error("a picture of {width} x {height} pixels: each side must be 1 to {AXIS_MAX}")]
    Axis {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Rows are shorter than what they should hold.
    #[error("rows of {stride} elements cannot hold {width} pixels")]
    Stride {
        /// Elements from the start of one row to the start of the next.
        stride: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// The memory has another size than the picture.
    #[error("the picture needs {expected} elements, got {actual}")]
    Size {
        /// Elements that the picture needs.
        expected: usize,
        /// Elements that came.
        actual: usize,
    },
}

/// A picture of interleaved 8-bit RGB: rows from the top, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct RgbImage<'a> {
    pixels: &'a [[u8; CHANNELS]],
    width: usize,
    height: usize,
}

impl<'a> RgbImage<'a> {
    /// Borrows `bytes` as `height` rows of `width` pixels.
    ///
    /// # Errors
    /// When a side is out of bounds, or `bytes` has another size.
    pub fn new(bytes: &'a [u8], width: usize, height: usize) -> Result<Self, ViewError> {
        check_axes(width, height)?;
        check_size(CHANNELS * width * height, bytes.len())?;
        let (pixels, _empty) = bytes.as_chunks();
        Ok(Self { pixels, width, height })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels of row `y`, which must be less than the height.
    pub(super) fn row(&self, y: usize) -> &'a [[u8; CHANNELS]] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }
}

/// One picture of a planar (CHW) float tensor, which may have room right of it for padding.
#[derive(Debug)]
pub struct Planes<'a> {
    elements: &'a mut [f32],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> Planes<'a> {
    /// Borrows `elements` as three planes of rows of `stride` elements. The picture is the first
    /// `width` of each row; what is right of it is padding.
    ///
    /// # Errors
    /// When a side is out of bounds, a row is too short, or `elements` has another size than three
    /// planes of `height` rows.
    pub fn new(
        elements: &'a mut [f32],
        stride: usize,
        (width, height): (usize, usize),
    ) -> Result<Self, ViewError> {
        check_axes(width, height)?;
        check_axes(stride, height)?;
        if stride < width {
            return Err(ViewError::Stride { stride, width });
        }
        check_size(CHANNELS * stride * height, elements.len())?;
        Ok(Self { elements, stride, width, height })
    }

    /// Pixels in a row, without the padding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row `y` of each plane, which must be less than the height: its picture and its padding.
    pub(super) fn rows(&mut self, y: usize) -> impl Iterator<Item = (&mut [f32], &mut [f32])> {
        let (stride, width) = (self.stride, self.width);
        self.elements
            .chunks_exact_mut(stride * self.height)
            .map(move |plane| plane[y * stride..(y + 1) * stride].split_at_mut(width))
    }
}

fn check_axes(width: usize, height: usize) -> Result<(), ViewError> {
    let fits = |axis| (1..=AXIS_MAX).contains(&axis);
    if fits(width) && fits(height) { Ok(()) } else { Err(ViewError::Axis { width, height }) }
}

fn check_size(expected: usize, actual: usize) -> Result<(), ViewError> {
    if expected == actual { Ok(()) } else { Err(ViewError::Size { expected, actual }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_must_be_the_picture() {
        let axis = |width, height| Some(ViewError::Axis { width, height });
        let cases = [
            ((2, 1, 6), None),
            ((2, 1, 5), Some(ViewError::Size { expected: 6, actual: 5 })),
            ((2, 1, 9), Some(ViewError::Size { expected: 6, actual: 9 })),
            ((0, 1, 0), axis(0, 1)),
            ((1, 0, 0), axis(1, 0)),
            ((AXIS_MAX + 1, 1, 0), axis(AXIS_MAX + 1, 1)),
            ((usize::MAX, usize::MAX, 0), axis(usize::MAX, usize::MAX)),
        ];
        for ((width, height, size), expected) in cases {
            let got = RgbImage::new(&vec![0; size], width, height).err();
            assert_eq!(got, expected, "{width} x {height} in {size}");
            let got = Planes::new(&mut vec![0.0; size], width, (width, height)).err();
            assert_eq!(got, expected, "{width} x {height} in {size}");
        }
    }

    #[test]
    fn rows_may_be_longer_than_the_picture_but_not_shorter() {
        let mut elements = vec![0.0; 12];
        assert!(Planes::new(&mut elements, 4, (2, 1)).is_ok());
        assert!(Planes::new(&mut elements, 4, (4, 1)).is_ok());
        let refused = Planes::new(&mut elements, 4, (5, 1)).err();
        assert_eq!(refused, Some(ViewError::Stride { stride: 4, width: 5 }));
        let refused = Planes::new(&mut elements, AXIS_MAX + 1, (5, 1)).err();
        assert_eq!(refused, Some(ViewError::Axis { width: AXIS_MAX + 1, height: 1 }));
    }
}
