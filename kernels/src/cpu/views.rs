//! Pictures as borrowed memory whose size was checked once, so that kernels need not check again.

use std::ops::Range;

use super::jpeg::ycc::Ycc;

/// Longest side of a picture in pixels: that of the largest JPEG (ITU-T T.81, B.2.2).
///
/// It keeps the arithmetic of resizing exact.
pub const AXIS_MAX: usize = 65_535;

/// Colour channels of a picture once it is unpacked.
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
    /// A side has half a pair of colours.
    #[error("a picture of {width} x {height} pixels: NV12 has even sides")]
    Odd {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A part of a picture is not inside of it.
    #[error("{count} pixels from {start} on are not inside of a side of {side} pixels")]
    Outside {
        /// The part's first pixel along an axis.
        start: usize,
        /// The part's pixels along the axis.
        count: usize,
        /// The picture's pixels along the axis.
        side: usize,
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

/// What the bytes of a pixel are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PixelFormat {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One level for all three.
    Gray,
}

impl PixelFormat {
    /// Bytes of a pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => CHANNELS,
            Self::Gray => 1,
        }
    }

    /// Whether a picture of this size, without gaps, has so many bytes, wherever they are.
    ///
    /// # Errors
    /// When a side is out of bounds, or it has another number of them.
    pub fn check(
        self,
        (width, height): (usize, usize),
        size_bytes: usize,
    ) -> Result<(), ViewError> {
        check_axes(width, height)?;
        check_size(self.channels() * width * height, size_bytes)
    }
}

/// A picture of 8-bit levels, or a part of one: rows from the top.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    levels: Levels<'a>,
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// How the levels of a whole picture lie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Levels<'a> {
    /// Pixel by pixel.
    Interleaved(Rows<'a>),
    /// In planes.
    Ycc(Ycc<'a>),
}

/// Rows without gaps, each pixel's bytes together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    pub(super) format: PixelFormat,
    stride: usize,
}

impl<'a> Image<'a> {
    /// Borrows `bytes` as `height` rows of `width` pixels, without gaps.
    ///
    /// # Errors
    /// When a side is out of bounds, or `bytes` has another size.
    pub fn new(
        bytes: &'a [u8],
        format: PixelFormat,
        (width, height): (usize, usize),
    ) -> Result<Self, ViewError> {
        format.check((width, height), bytes.len())?;
        let stride = format.channels() * width;
        let levels = Levels::Interleaved(Rows { bytes, format, stride });
        Ok(Self { levels, left: 0, top: 0, width, height })
    }

    /// The part of `width` x `height` pixels whose first pixel is at `left`, `top`.
    ///
    /// # Errors
    /// When it is empty or not inside of this picture.
    pub fn part(
        &self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> Result<Self, ViewError> {
        check_axes(width, height)?;
        check_inside(left, width, self.width)?;
        check_inside(top, height, self.height)?;
        Ok(Self { levels: self.levels, left: self.left + left, top: self.top + top, width, height })
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The levels of the picture that this is a part of.
    pub(super) fn levels(&self) -> Levels<'a> {
        self.levels
    }

    /// The columns of that picture.
    pub(super) fn columns(&self) -> Range<usize> {
        self.left..self.left + self.width
    }

    /// The row of that picture which is row `y` of this part.
    pub(super) fn line(&self, y: usize) -> usize {
        self.top + y
    }
}

impl<'a> From<Ycc<'a>> for Image<'a> {
    fn from(picture: Ycc<'a>) -> Self {
        let (width, height) = picture.size();
        Self { levels: Levels::Ycc(picture), left: 0, top: 0, width, height }
    }
}

impl<'a> Rows<'a> {
    /// The bytes of some columns of row `y`, which must be in the picture.
    pub(super) fn row(&self, y: usize, columns: &Range<usize>) -> &'a [u8] {
        let channels = self.format.channels();
        &self.bytes[y * self.stride..][channels * columns.start..channels * columns.end]
    }
}

pub(crate) fn check_axes(width: usize, height: usize) -> Result<(), ViewError> {
    let fits = |axis| (1..=AXIS_MAX).contains(&axis);
    if fits(width) && fits(height) { Ok(()) } else { Err(ViewError::Axis { width, height }) }
}

pub(super) fn check_size(expected: usize, actual: usize) -> Result<(), ViewError> {
    if expected == actual { Ok(()) } else { Err(ViewError::Size { expected, actual }) }
}

pub(crate) fn check_inside(start: usize, count: usize, side: usize) -> Result<(), ViewError> {
    if start <= side && count <= side - start {
        return Ok(());
    }
    Err(ViewError::Outside { start, count, side })
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
            let got = Image::new(&vec![0; size], PixelFormat::Bgr, (width, height)).err();
            assert_eq!(got, expected, "{width} x {height} in {size}");
        }
    }

    #[test]
    fn a_part_is_inside() {
        let levels: Vec<u8> = (0..12).collect();
        let image = Image::new(&levels, PixelFormat::Gray, (4, 3)).unwrap();
        let part = image.part((1, 1), (3, 2)).unwrap();
        let Levels::Interleaved(rows) = part.levels() else { panic!("{part:?}") };
        let row = |y| rows.row(part.line(y), &part.columns());
        assert_eq!([row(0), row(1)], [[5, 6, 7], [9, 10, 11]]);
        let outside = |start, count, side| Some(ViewError::Outside { start, count, side });
        let cases = [
            ((0, 0), (4, 3), None),
            ((2, 0), (3, 1), outside(2, 3, 4)),
            ((0, 3), (1, 1), outside(3, 1, 3)),
            ((5, 0), (1, 1), outside(5, 1, 4)),
            ((0, 0), (0, 1), Some(ViewError::Axis { width: 0, height: 1 })),
        ];
        for (start, size, expected) in cases {
            assert_eq!(image.part(start, size).err(), expected, "{start:?} {size:?}");
        }
    }
}
