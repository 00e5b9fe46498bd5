//! Bilinear resizing into a planar float tensor, fused with colour order and normalisation.
//!
//! Each element of the target is, in plain single precision and in this order,
//!
//! ```text
//! above = p00 + (p01 - p00) * wx          the row above the coordinate
//! below = p10 + (p11 - p10) * wx          the row below it
//! pixel = above + (below - above) * wy
//! out   = (pixel - mean) * scale
//! ```
//!
//! with the 2x2 pixels and the weights that `taps.rs` defines. There are 2x2 taps however much a
//! picture shrinks, as in OpenCV's `INTER_LINEAR`: this does not antialias. `pixel` is not rounded
//! to a whole level, which is where it differs from libraries that resize to bytes first.

use super::taps::{Tap, taps};
use super::views::{CHANNELS, Planes, RgbImage};

/// Which colour the first plane holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red: what OpenCV reads, and models that were trained with it expect.
    Bgr,
}

/// From levels of 0 to 255 to a model's units: `out = (pixel - mean[c]) * scale[c]`, where `c`
/// counts the planes of the target, in [`Normalization::order`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// The order of the target's planes.
    pub order: ChannelOrder,
    /// What is taken off, in levels.
    pub mean: [f32; CHANNELS],
    /// What the rest is multiplied by.
    pub scale: [f32; CHANNELS],
}

impl Default for Normalization {
    /// RGB, with levels as they are.
    fn default() -> Self {
        Self { order: ChannelOrder::Rgb, mean: [0.0; CHANNELS], scale: [1.0; CHANNELS] }
    }
}

/// Resizes `image` to the picture of `target`, normalises it, and sets the padding right of it to
/// `pad`, which is in the target's units.
pub fn resize_normalize(
    image: &RgbImage<'_>,
    target: &mut Planes<'_>,
    normalization: &Normalization,
    pad: f32,
) {
    let columns: Vec<Tap> = taps(image.width(), target.width()).collect();
    let mut lines = Lines::new(columns.len());
    for (y, row) in taps(image.height(), target.height()).enumerate() {
        lines.read(image, &columns, row);
        for (channel, (picture, padding)) in target.rows(y).enumerate() {
            let from = match normalization.order {
                ChannelOrder::Rgb => channel,
                ChannelOrder::Bgr => CHANNELS - 1 - channel,
            };
            let (mean, scale) = (normalization.mean[channel], normalization.scale[channel]);
            let (above, below) = (&lines.above.channels[from], &lines.below.channels[from]);
            for ((out, &above), &below) in picture.iter_mut().zip(above).zip(below) {
                *out = (lerp(above, below, row.weight) - mean) * scale;
            }
            padding.fill(pad);
        }
    }
}

/// The two source rows around a target row, already as wide as the target.
struct Lines {
    above: Line,
    below: Line,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { above: Line::new(width), below: Line::new(width) }
    }

    /// Makes them the two rows of `row`. A picture that grows asks for the same rows again and
    /// again, so what is there already is kept.
    fn read(&mut self, image: &RgbImage<'_>, columns: &[Tap], row: Tap) {
        if self.below.row == Some(row.first) {
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.above.read(image, columns, row.first);
        self.below.read(image, columns, row.second);
    }
}

/// One source row, resized along x.
struct Line {
    row: Option<usize>,
    channels: [Vec<f32>; CHANNELS],
}

impl Line {
    fn new(width: usize) -> Self {
        Self { row: None, channels: std::array::from_fn(|_| vec![0.0; width]) }
    }

    fn read(&mut self, image: &RgbImage<'_>, columns: &[Tap], row: usize) {
        if self.row.replace(row) == Some(row) {
            return;
        }
        let pixels = image.row(row);
        let [red, green, blue] = &mut self.channels;
        for (((tap, red), green), blue) in columns.iter().zip(red).zip(green).zip(blue) {
            let (first, second) = (pixels[tap.first], pixels[tap.second]);
            let mix = |c: usize| lerp(first[c].into(), second[c].into(), tap.weight);
            (*red, *green, *blue) = (mix(0), mix(1), mix(2));
        }
    }
}

/// Not `f32::mul_add`: a device must be able to give the same bits without it.
fn lerp(first: f32, second: f32, weight: f32) -> f32 {
    first + (second - first) * weight
}

#[cfg(test)]
mod tests;
