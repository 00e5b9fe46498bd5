//! From a picture's levels to a row of single precision for each colour.

use super::jpeg::ycc::YccRows;
use super::simd::widest;
use super::views::{CHANNELS, Image, Levels, PixelFormat, Rows};

/// A row of each colour: red, green, blue.
pub(super) type Colors = [Vec<f32>; CHANNELS];

/// Rows of `length` elements.
pub(super) fn colors(length: usize) -> Colors {
    std::array::from_fn(|_| vec![0.0; length])
}

/// Reads rows of a picture.
pub(super) struct Unpacker<'a> {
    image: Image<'a>,
    rows: Reader<'a>,
}

enum Reader<'a> {
    Interleaved(Rows<'a>),
    Ycc(Box<YccRows<'a>>),
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(image: Image<'a>) -> Self {
        let rows = match image.levels() {
            Levels::Interleaved(rows) => Reader::Interleaved(rows),
            Levels::Ycc(picture) => Reader::Ycc(Box::new(YccRows::new(picture, image.columns()))),
        };
        Self { image, rows }
    }

    pub(super) fn image(&self) -> &Image<'a> {
        &self.image
    }

    /// Writes row `y` to the front of each of `colors`, and its last level once more behind it,
    /// so that the pixel after the last may be read.
    pub(super) fn read(&mut self, y: usize, colors: &mut Colors) {
        let line = self.image.line(y);
        match &mut self.rows {
            Reader::Interleaved(rows) => {
                unpack(rows.row(line, &self.image.columns()), rows.format, colors);
            }
            Reader::Ycc(rows) => {
                rows.read(line, colors);
                repeat_last(self.image.size().0, colors);
            }
        }
    }
}

/// Writes the levels of `row` to the front of each of `colors`, and the last one once more behind
/// them, so that the pixel after the last may be read.
pub(super) fn unpack<T: Copy + Into<f32>>(row: &[T], format: PixelFormat, colors: &mut Colors) {
    let [red, green, blue] = colors;
    match format {
        PixelFormat::Rgb => unpack_three(row, red, green, blue),
        PixelFormat::Bgr => unpack_three(row, blue, green, red),
        PixelFormat::Gray => widest(|| {
            for (((&level, red), green), blue) in
                row.iter().zip(&mut *red).zip(&mut *green).zip(&mut *blue)
            {
                let level = level.into();
                (*red, *green, *blue) = (level, level, level);
            }
        }),
    }
    repeat_last(row.len() / format.channels(), colors);
}

/// Of rows of so many pixels.
pub(super) fn repeat_last(pixels: usize, colors: &mut Colors) {
    for color in colors {
        if let [.., last, behind] = &mut color[..=pixels] {
            *behind = *last;
        }
    }
}

fn unpack_three<T: Copy + Into<f32>>(
    row: &[T],
    first: &mut [f32],
    second: &mut [f32],
    third: &mut [f32],
) {
    let (pixels, _) = row.as_chunks::<CHANNELS>();
    widest(|| {
        for (((pixel, first), second), third) in pixels.iter().zip(first).zip(second).zip(third) {
            let [one, two, three] = *pixel;
            (*first, *second, *third) = (one.into(), two.into(), three.into());
        }
    });
}
