//! From interleaved levels to a row of single precision for each colour.

use super::simd::widest;
use super::views::{CHANNELS, PixelFormat};

/// A row of each colour: red, green, blue.
pub(super) type Colors = [Vec<f32>; CHANNELS];

/// Rows of `length` elements.
pub(super) fn colors(length: usize) -> Colors {
    std::array::from_fn(|_| vec![0.0; length])
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
    let pixels = row.len() / format.channels();
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
