//! From the planes of a JPEG with halved chroma (YCbCr 4:2:0) to RGB.
//!
//! Full range, by JFIF (ITU-T T.871), in whole numbers; a pair of chroma counts for its 2x2 pixels:
//!
//! ```text
//! y     = 65536 * Y + 32768
//! red   = (y + 91881 * (Cr - 128)) >> 16                           clamped to 0 ..= 255
//! green = (y - 22554 * (Cb - 128) - 46802 * (Cr - 128)) >> 16
//! blue  = (y + 116130 * (Cb - 128)) >> 16
//! ```
//!
//! which is what libjpeg computes without its smoothing of chroma.

use super::views::{CHANNELS, ViewError, check_axes, check_size};

/// Writes the picture of `width` x `height` pixels to `rgb`. `planes` are luma, Cb and Cr, without
/// gaps; the sides of the last two are half of the picture's, rounded up.
///
/// # Errors
/// When a side is out of bounds, or one of the slices has another size.
pub fn ycbcr420_to_rgb(
    [luma, blue, red]: [&[u8]; 3],
    (width, height): (usize, usize),
    rgb: &mut [u8],
) -> Result<(), ViewError> {
    check_axes(width, height)?;
    let columns = width.div_ceil(2);
    check_size(width * height, luma.len())?;
    check_size(columns * height.div_ceil(2), blue.len())?;
    check_size(blue.len(), red.len())?;
    check_size(CHANNELS * width * height, rgb.len())?;
    let rows = luma.chunks_exact(width).zip(rgb.chunks_exact_mut(CHANNELS * width));
    for (y, (luma, rgb)) in rows.enumerate() {
        let chroma = y / 2 * columns..(y / 2 + 1) * columns;
        let (blue, red) = (&blue[chroma.clone()], &red[chroma]);
        let (pixels, _) = rgb.as_chunks_mut::<CHANNELS>();
        for (x, (pixel, &luma)) in pixels.iter_mut().zip(luma).enumerate() {
            *pixel = color(luma, blue[x / 2], red[x / 2]);
        }
    }
    Ok(())
}

fn color(luma: u8, blue: u8, red: u8) -> [u8; CHANNELS] {
    let luma = 65_536 * i32::from(luma) + 32_768;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let clamp = |level: i32| u8::try_from((level >> 16).clamp(0, 255)).unwrap_or(0);
    [
        clamp(luma + 91_881 * red),
        clamp(luma - 22_554 * blue - 46_802 * red),
        clamp(luma + 116_130 * blue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_standard() {
        let cases = [
            ([0, 128, 128], [0, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
            ([76, 85, 255], [254, 0, 0]),
            ([150, 44, 21], [0, 255, 1]),
            ([29, 255, 107], [0, 0, 254]),
            ([200, 0, 255], [255, 153, 0]),
        ];
        for ([luma, blue, red], expected) in cases {
            let got = color(luma, blue, red);
            let off = got.iter().zip(expected).map(|(got, level)| got.abs_diff(level)).max();
            assert!(off <= Some(1), "{luma} {blue} {red}: {got:?} is not {expected:?}");
        }
    }

    #[test]
    fn odd_sides_have_half_a_pair_at_their_ends() {
        let luma = [100; 9];
        let (blue, red) = ([128, 128, 128, 255], [128, 255, 128, 128]);
        let mut rgb = [7; 27];
        ycbcr420_to_rgb([&luma, &blue, &red], (3, 3), &mut rgb).unwrap();
        let (pixels, _) = rgb.as_chunks::<3>();
        let (gray, red, blue) = ([100; 3], [255, 9, 100], [100, 56, 255]);
        assert_eq!(pixels, [gray, gray, red, gray, gray, red, gray, gray, blue]);
    }

    #[test]
    fn sizes_are_checked() {
        let (plane, mut rgb) = ([0; 9], [0; 27]);
        let mut check = |[luma, blue, red]: [usize; 3], length, expected: [usize; 2]| {
            let planes = [&plane[..luma], &plane[..blue], &plane[..red]];
            let [expected, actual] = expected;
            let error = Err(ViewError::Size { expected, actual });
            assert_eq!(ycbcr420_to_rgb(planes, (3, 3), &mut rgb[..length]), error);
        };
        check([8, 4, 4], 27, [9, 8]);
        check([9, 3, 4], 27, [4, 3]);
        check([9, 4, 5], 27, [4, 5]);
        check([9, 4, 4], 26, [27, 26]);
    }
}
