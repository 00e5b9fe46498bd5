//! From NV12, what video decoders write, to RGB.
//!
//! NV12 is a plane of luma, and below it half as many rows of pairs (Cb, Cr), one pair for each
//! 2x2 pixels. Of studio range by ITU-R BT.601, in whole numbers:
//!
//! ```text
//! y     = 76309 * max(Y - 16, 0) + 32768
//! red   = (y + 104597 * (Cr - 128)) >> 16                          clamped to 0 ..= 255
//! green = (y - 53279 * (Cr - 128) - 25675 * (Cb - 128)) >> 16
//! blue  = (y + 132201 * (Cb - 128)) >> 16
//! ```

use super::views::{CHANNELS, ViewError, check_axes, check_size};

/// Writes the picture of `width` x `height` pixels, both even, to `rgb`.
///
/// # Errors
/// When a side is out of bounds or odd, or one of the two slices has another size.
pub fn nv12_to_rgb(
    nv12: &[u8],
    (width, height): (usize, usize),
    rgb: &mut [u8],
) -> Result<(), ViewError> {
    check_axes(width, height)?;
    if !(width.is_multiple_of(2) && height.is_multiple_of(2)) {
        return Err(ViewError::Odd { width, height });
    }
    check_size(width * height / 2 * 3, nv12.len())?;
    check_size(CHANNELS * width * height, rgb.len())?;
    let (luma, chroma) = nv12.split_at(width * height);
    for (y, (luma, rgb)) in
        luma.chunks_exact(width).zip(rgb.chunks_exact_mut(CHANNELS * width)).enumerate()
    {
        let (pairs, _) = chroma[y / 2 * width..][..width].as_chunks::<2>();
        let (luma, _) = luma.as_chunks::<2>();
        let (pixels, _) = rgb.as_chunks_mut::<{ 2 * CHANNELS }>();
        for ((&[blue, red], luma), pixels) in pairs.iter().zip(luma).zip(pixels) {
            let [[r0, g0, b0], [r1, g1, b1]] = luma.map(|luma| color(luma, blue, red));
            *pixels = [r0, g0, b0, r1, g1, b1];
        }
    }
    Ok(())
}

fn color(luma: u8, blue: u8, red: u8) -> [u8; CHANNELS] {
    let luma = 76_309 * i32::from(luma.saturating_sub(16)) + 32_768;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let clamp = |level: i32| u8::try_from((level >> 16).clamp(0, 255)).unwrap_or(0);
    [
        clamp(luma + 104_597 * red),
        clamp(luma - 53_279 * red - 25_675 * blue),
        clamp(luma + 132_201 * blue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_standard() {
        let cases = [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([126, 128, 128], [128, 128, 128]),
            ([81, 90, 240], [254, 0, 0]),
            ([145, 54, 34], [0, 255, 1]),
            ([41, 240, 110], [0, 0, 255]),
            ([0, 0, 0], [0, 154, 0]),
        ];
        for ([luma, blue, red], expected) in cases {
            let got = color(luma, blue, red);
            let off = got.iter().zip(expected).map(|(got, level)| got.abs_diff(level)).max();
            assert!(off <= Some(1), "{luma} {blue} {red}: {got:?} is not {expected:?}");
        }
    }

    #[test]
    fn four_pixels_share_a_pair() {
        let levels = [16, 235, 16, 235, 235, 16, 235, 16, 128, 128, 90, 240];
        let mut rgb = [7; 24];
        nv12_to_rgb(&levels, (4, 2), &mut rgb).unwrap();
        let (pixels, _) = rgb.as_chunks::<3>();
        assert_eq!(pixels[0..2], [[0; 3], [255; 3]]);
        assert_eq!(pixels[4..6], [[255; 3], [0; 3]]);
        assert_eq!((pixels[2], pixels[3]), (pixels[7], pixels[6]));
    }

    #[test]
    fn sizes_are_checked() {
        let mut rgb = [0; 24];
        let odd = Err(ViewError::Odd { width: 3, height: 2 });
        assert_eq!(nv12_to_rgb(&[0; 9], (3, 2), &mut rgb), odd);
        let size = |expected, actual| Err(ViewError::Size { expected, actual });
        assert_eq!(nv12_to_rgb(&[0; 11], (4, 2), &mut rgb), size(12, 11));
        assert_eq!(nv12_to_rgb(&[0; 12], (4, 2), &mut rgb[1..]), size(24, 23));
    }
}
