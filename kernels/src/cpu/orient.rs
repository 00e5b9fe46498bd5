//! Turning pictures upright.

use super::views::{CHANNELS, PixelFormat, ViewError, check_axes, check_size};

/// How stored rows and columns have to be turned for a picture to be upright: the numbers of the
/// tag `Orientation` of TIFF 6.0 and EXIF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Rows and columns change places, after the flips.
    pub is_transposed: bool,
    /// The stored picture's last column comes first.
    pub is_flipped_x: bool,
    /// The stored picture's last row comes first.
    pub is_flipped_y: bool,
}

impl Orientation {
    /// The orientation of a number from 1 to 8; `None` for others.
    pub fn from_exif(number: u16) -> Option<Self> {
        let (is_transposed, is_flipped_x, is_flipped_y) = match number {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self { is_transposed, is_flipped_x, is_flipped_y })
    }

    /// Whether nothing has to be done.
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// The size of the upright picture, of the stored one's.
    pub fn turned(self, (width, height): (usize, usize)) -> (usize, usize) {
        if self.is_transposed { (height, width) } else { (width, height) }
    }
}

/// Writes the picture `stored`, of `width` x `height` pixels, upright to `upright`.
///
/// # Errors
/// When a side is out of bounds, or one of the two slices has another size.
pub fn orient(
    stored: &[u8],
    format: PixelFormat,
    size: (usize, usize),
    orientation: Orientation,
    upright: &mut [u8],
) -> Result<(), ViewError> {
    check_axes(size.0, size.1)?;
    check_size(format.channels() * size.0 * size.1, stored.len())?;
    check_size(stored.len(), upright.len())?;
    match format {
        PixelFormat::Gray => turn::<1>(stored, size, orientation, upright),
        PixelFormat::Rgb | PixelFormat::Bgr => turn::<CHANNELS>(stored, size, orientation, upright),
    }
    Ok(())
}

fn turn<const BYTES: usize>(
    stored: &[u8],
    (width, height): (usize, usize),
    orientation: Orientation,
    upright: &mut [u8],
) {
    let (stored, _) = stored.as_chunks::<BYTES>();
    let (upright, _) = upright.as_chunks_mut::<BYTES>();
    let Orientation { is_transposed, is_flipped_x, is_flipped_y } = orientation;
    let flip =
        |at: usize, side: usize, is_flipped: bool| if is_flipped { side - 1 - at } else { at };
    let out_width = orientation.turned((width, height)).0;
    for (y, row) in upright.chunks_exact_mut(out_width).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (x, y) = if is_transposed { (y, x) } else { (x, y) };
            *pixel = stored[flip(y, height, is_flipped_y) * width + flip(x, width, is_flipped_x)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Pillow's `exif_transpose` makes of the rows `abc`, `def`.
    #[test]
    fn every_orientation() {
        let cases: [(u16, usize, &str); 8] = [
            (1, 3, "abcdef"),
            (2, 3, "cbafed"),
            (3, 3, "fedcba"),
            (4, 3, "defabc"),
            (5, 2, "adbecf"),
            (6, 2, "daebfc"),
            (7, 2, "fcebda"),
            (8, 2, "cfbead"),
        ];
        let stored: Vec<u8> = b"abcdef".iter().flat_map(|&letter| [letter; 3]).collect();
        for (number, width, expected) in cases {
            let orientation = Orientation::from_exif(number).unwrap();
            assert_eq!(orientation.turned((3, 2)).0, width);
            assert_eq!(orientation.is_upright(), number == 1);
            let mut upright = [0; 18];
            orient(&stored, PixelFormat::Rgb, (3, 2), orientation, &mut upright).unwrap();
            let got: String = upright.iter().step_by(3).map(|&letter| char::from(letter)).collect();
            assert_eq!(got, expected, "{number}");
            let mut upright = [0; 6];
            orient(b"abcdef", PixelFormat::Gray, (3, 2), orientation, &mut upright).unwrap();
            assert_eq!(upright, expected.as_bytes(), "{number}");
        }
        assert_eq!([0, 9].map(Orientation::from_exif), [None, None]);
    }

    #[test]
    fn sizes_are_checked() {
        let mut upright = [0; 6];
        let got = orient(&[0; 6], PixelFormat::Bgr, (3, 1), Orientation::default(), &mut upright);
        assert_eq!(got, Err(ViewError::Size { expected: 9, actual: 6 }));
    }
}
