//! Pictures as a JPEG holds them, in planes of luma and chroma, and their rows in RGB.
//!
//! Chroma is enlarged to the size of luma by weights of 3/4 for the nearer sample and 1/4 for the
//! farther one, along each axis that is halved, with one rounding; the sample beyond an edge is
//! the one at the edge. Chroma of one or two columns that are halved is repeated instead. Then, by
//! ITU-T T.871 and in whole numbers, with `cb` and `cr` less 128:
//!
//! ```text
//! red   = y + ((91881 * cr + 32768) >> 16)                         clamped to 0 ..= 255
//! green = y + ((-22554 * cb - 46802 * cr + 32768) >> 16)
//! blue  = y + ((116130 * cb + 32768) >> 16)
//! ```

use std::ops::Range;

use crate::cpu::simd::widest;
use crate::cpu::views::{CHANNELS, ViewError, check_axes, check_size};

/// Columns of chroma up to which it is repeated.
const REPEATED_MAX: usize = 2;

/// How many samples of chroma there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// One a pixel: 4:4:4.
    Full,
    /// One for two columns: 4:2:2.
    HalfColumns,
    /// One for two columns of two rows: 4:2:0.
    Halves,
}

impl Chroma {
    /// Columns and rows of luma for one of chroma.
    pub fn factors(self) -> (usize, usize) {
        match self {
            Self::Full => (1, 1),
            Self::HalfColumns => (2, 1),
            Self::Halves => (2, 2),
        }
    }
}

/// Samples of one component: rows of `stride` bytes, the first of which are seen.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// All rows.
    pub samples: &'a [u8],
    /// Bytes from a row to the next.
    pub stride: usize,
}

impl<'a> Plane<'a> {
    fn row(&self, y: usize, width: usize) -> &'a [u8] {
        &self.samples[y * self.stride..][..width]
    }

    /// Whether `width` x `height` samples are in it.
    fn check(&self, (width, height): (usize, usize)) -> Result<(), ViewError> {
        let (expected, actual) = (self.stride * (height - 1) + width, self.samples.len());
        if width <= self.stride && expected <= actual {
            return Ok(());
        }
        Err(ViewError::Size { expected, actual })
    }
}

/// A picture in three planes, whose sizes were checked.
#[derive(Clone, Copy, Debug)]
pub struct Ycc<'a> {
    luma: Plane<'a>,
    /// Cb and Cr.
    chroma: [Plane<'a>; 2],
    sampling: Chroma,
    width: usize,
    height: usize,
}

impl<'a> Ycc<'a> {
    /// Borrows luma, Cb and Cr as a picture of `width` x `height` pixels. Chroma that is halved
    /// has a sample for the last column or row where that is a half.
    ///
    /// # Errors
    /// When a side is out of bounds, or a plane is too small.
    pub fn new(
        [luma, blue, red]: [Plane<'a>; 3],
        sampling: Chroma,
        (width, height): (usize, usize),
    ) -> Result<Self, ViewError> {
        check_axes(width, height)?;
        let picture = Self { luma, chroma: [blue, red], sampling, width, height };
        luma.check((width, height))?;
        blue.check(picture.chroma_size())?;
        red.check(picture.chroma_size())?;
        Ok(picture)
    }

    /// Writes all pixels to `rgb`, row by row.
    ///
    /// # Errors
    /// When `rgb` has another size.
    pub fn write_rgb(&self, rgb: &mut [u8]) -> Result<(), ViewError> {
        check_size(CHANNELS * self.width * self.height, rgb.len())?;
        let mut rows = YccRows::new(*self, 0..self.width);
        let mut colors: [_; CHANNELS] = std::array::from_fn(|_| vec![0; self.width]);
        for (y, rgb) in rgb.chunks_exact_mut(CHANNELS * self.width).enumerate() {
            rows.read(y, &mut colors);
            let [red, green, blue] = &colors;
            let pixels = rgb.as_chunks_mut().0.iter_mut();
            for (((pixel, &red), &green), &blue) in pixels.zip(red).zip(green).zip(blue) {
                *pixel = [red, green, blue];
            }
        }
        Ok(())
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn chroma_size(&self) -> (usize, usize) {
        let (x, y) = self.sampling.factors();
        (self.width.div_ceil(x), self.height.div_ceil(y))
    }
}

/// Some columns of a picture, row by row in RGB.
pub(in crate::cpu) struct YccRows<'a> {
    picture: Ycc<'a>,
    columns: Range<usize>,
    chroma: [Enlarged; 2],
}

impl<'a> YccRows<'a> {
    pub(in crate::cpu) fn new(picture: Ycc<'a>, columns: Range<usize>) -> Self {
        let chroma = std::array::from_fn(|_| Enlarged::new(&picture, &columns));
        Self { picture, columns, chroma }
    }

    /// Writes row `y` to the front of each of red, green and blue.
    pub(in crate::cpu) fn read<T: Copy + From<u8>>(
        &mut self,
        y: usize,
        [red, green, blue]: &mut [Vec<T>; CHANNELS],
    ) {
        let Self { picture, columns, chroma: [cb, cr] } = self;
        let luma = &picture.luma.row(y, picture.width)[columns.clone()];
        let [blue_plane, red_plane] = picture.chroma;
        let cb = cb.row(picture, blue_plane, y, columns);
        let cr = cr.row(picture, red_plane, y, columns);
        widest(|| {
            let pixels = red.iter_mut().zip(green).zip(blue);
            for (((((red, green), blue), &luma), &cb), &cr) in pixels.zip(luma).zip(cb).zip(cr) {
                let [r, g, b] = color(luma, cb, cr);
                (*red, *green, *blue) = (r.into(), g.into(), b.into());
            }
        });
    }
}

/// Chroma, row by row as wide as luma.
struct Enlarged {
    /// The columns of chroma that are enlarged, of a plane of `width` columns.
    own: Range<usize>,
    width: usize,
    /// Samples as they are, or four times so, with the one before and the one behind.
    sums: Vec<u16>,
    row: Vec<u8>,
}

impl Enlarged {
    fn new(picture: &Ycc<'_>, columns: &Range<usize>) -> Self {
        let (factor, _) = picture.sampling.factors();
        let own = columns.start / factor..columns.end.div_ceil(factor);
        let (width, count) = (picture.chroma_size().0, own.len());
        Self { own, width, sums: vec![0; count + 2], row: vec![0; 2 * count] }
    }

    /// Chroma of row `y` of the picture.
    fn row<'s>(
        &'s mut self,
        picture: &Ycc<'_>,
        plane: Plane<'s>,
        y: usize,
        columns: &Range<usize>,
    ) -> &'s [u8] {
        let (_, height) = picture.chroma_size();
        let near = plane.row(y / picture.sampling.factors().1, self.width);
        match picture.sampling {
            Chroma::Full => return &near[columns.clone()],
            _ if self.width <= REPEATED_MAX => self.repeat(near),
            Chroma::HalfColumns => {
                self.sum([near; 2], |near, _| near);
                self.spread::<2>([1, 2]);
            }
            Chroma::Halves => {
                let (above, below) = ((y / 2).saturating_sub(1), (y / 2 + 1).min(height - 1));
                let far = plane.row(if y.is_multiple_of(2) { above } else { below }, self.width);
                self.sum([near, far], |near, far| 3 * near + far);
                self.spread::<4>([8, 7]);
            }
        }
        &self.row[columns.start % 2..][..columns.len()]
    }

    fn repeat(&mut self, near: &[u8]) {
        for (pair, &level) in
            self.row.as_chunks_mut::<2>().0.iter_mut().zip(&near[self.own.clone()])
        {
            *pair = [level; 2];
        }
    }

    /// Mixes two rows. The sample beyond an edge of the plane is the one at the edge.
    fn sum(&mut self, [near, far]: [&[u8]; 2], mix: impl Fn(u16, u16) -> u16) {
        let Self { own, width, sums, .. } = self;
        let first = own.start.saturating_sub(1);
        let last = own.end.min(*width - 1);
        let mixed = |x: usize| mix(near[x].into(), far[x].into());
        let (before, behind) = (mixed(first), mixed(last));
        if let [to_before, inner @ .., to_behind] = sums.as_mut_slice() {
            (*to_before, *to_behind) = (before, behind);
            widest(|| {
                let two = near[own.clone()].iter().zip(&far[own.clone()]);
                for (sum, (&near, &far)) in inner.iter_mut().zip(two) {
                    *sum = mix(near.into(), far.into());
                }
            });
        }
    }

    /// Two samples for each sum.
    fn spread<const SHIFT: u32>(&mut self, roundings: [u16; 2]) {
        let Self { sums, row, .. } = self;
        let (before, own, after) = (&sums[..], &sums[1..], &sums[2..]);
        let sample = |sum: u16| (sum >> SHIFT).to_le_bytes()[0];
        widest(|| {
            let pairs = row.as_chunks_mut::<2>().0.iter_mut();
            for (((pair, &before), &own), &after) in pairs.zip(before).zip(own).zip(after) {
                let own = 3 * own;
                *pair = [sample(own + before + roundings[0]), sample(own + after + roundings[1])];
            }
        });
    }
}

/// The three numbers that do not fit 16 bits are taken apart, so that vectors hold twice as many:
/// 91881 is 65536 + 26345, 116130 is 2 * 65536 - 14942, and 46802 is 65536 - 18734.
#[inline]
fn color(luma: u8, blue: u8, red: u8) -> [u8; CHANNELS] {
    let (luma, blue, red) = (i16::from(luma), i16::from(blue) - 128, i16::from(red) - 128);
    let green = (-22_554 * i32::from(blue) + 18_734 * i32::from(red) + 32_768) >> 16;
    [
        level(luma + red + rounded(red, 26_345)),
        level(luma - red + green as i16),
        level(luma + 2 * blue + rounded(blue, -14_942)),
    ]
}

/// `(value * factor + 32768) >> 16`.
#[inline]
fn rounded(value: i16, factor: i16) -> i16 {
    let doubled = (i32::from(2 * value) * i32::from(factor)) >> 16;
    (doubled as i16 + 1) >> 1
}

#[expect(clippy::cast_sign_loss, reason = "it is clamped")]
#[inline]
fn level(sum: i16) -> u8 {
    sum.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests;
