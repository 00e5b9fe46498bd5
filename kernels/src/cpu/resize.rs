//! Resizing into a model's tensor, fused with colour order, normalisation, cast and layout.
//!
//! Each element of the target is, in plain single precision and in this order,
//!
//! ```text
//! left  = p00 + (p10 - p00) * wy          with Filter::Bilinear: the column left of the coordinate
//! right = p01 + (p11 - p01) * wy          the column right of it
//! pixel = left + (right - left) * wx
//!
//! column[x] = ((0 + p[0][x] * wy[0]) + p[1][x] * wy[1]) + …        with Filter::Triangle
//! pixel     = ((0 + column[0] * wx[0]) + column[1] * wx[1]) + …
//!
//! gray = (red * 0.299 + green * 0.587) + blue * 0.114              with ChannelOrder::Gray
//! out  = (pixel - mean) * scale                                    rounded as in `level.rs`
//! ```
//!
//! with the pixels and the weights that `taps.rs` defines. An axis that does not shrink is resized
//! as by `Filter::Bilinear`, whatever the filter: the weights are the same. `pixel` is not rounded to a whole
//! level, which is where it differs from libraries that resize to bytes first.

use std::ops::Range;

use super::columns::Columns;
use super::frame::Frame;
use super::level::Level;
use super::rows::Rows;
use super::simd::widest;
use super::stream::Store;
use super::unpack::{Colors, colors};
use super::views::{CHANNELS, Image, ViewError, check_size};

/// How source pixels become a target pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// The 2x2 nearest ones, however much a picture shrinks, as OpenCV's `INTER_LINEAR`.
    #[default]
    Bilinear,
    /// All that a target pixel covers, as Pillow's `BILINEAR`: it antialiases.
    Triangle,
}

impl Filter {
    /// What the filter is along an axis that becomes `target` of `source` pixels: where it does
    /// not shrink, no pixel covers more than two.
    pub(super) fn along(self, source: usize, target: usize) -> Self {
        if target < source { self } else { Self::Bilinear }
    }
}

/// Which colours the target has, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red: what OpenCV reads, and models that were trained with it expect.
    Bgr,
    /// One channel: the luma of ITU-R BT.601.
    Gray,
}

impl ChannelOrder {
    /// How many channels there are.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => CHANNELS,
            Self::Gray => 1,
        }
    }

    /// Which of red, green and blue is the target's channel.
    fn source(self, channel: usize) -> usize {
        if self == Self::Bgr { CHANNELS - 1 - channel } else { channel }
    }
}

/// The order of the target's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Channels, rows, columns.
    #[default]
    Planar,
    /// Rows, columns, channels.
    Interleaved,
}

/// From levels of 0 to 255 to a model's units. Of one channel, the first number counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rendering {
    /// How source pixels become a target pixel.
    pub filter: Filter,
    /// The target's channels.
    pub order: ChannelOrder,
    /// The order of the target's axes.
    pub layout: Layout,
    /// What is taken off each channel, in levels.
    pub mean: [f32; CHANNELS],
    /// What the rest is multiplied by.
    pub scale: [f32; CHANNELS],
    /// Where no picture is, in the target's units.
    pub pad: [f32; CHANNELS],
}

impl Default for Rendering {
    /// Planar RGB, with levels as they are.
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            order: ChannelOrder::default(),
            layout: Layout::default(),
            mean: [0.0; CHANNELS],
            scale: [1.0; CHANNELS],
            pad: [0.0; CHANNELS],
        }
    }
}

/// Draws `image` in the `frame`'s canvas. Every element of `target` is written.
///
/// # Errors
/// When a side of the frame is out of bounds, or `target` has another size than the canvas in all
/// channels; nothing is written then.
pub fn render<T: Level>(
    image: &Image<'_>,
    frame: &Frame,
    rendering: &Rendering,
    target: &mut [T],
) -> Result<(), ViewError> {
    frame.check()?;
    let (width, height) = frame.canvas;
    check_size(rendering.order.channels() * width * height, target.len())?;
    let [across, down] = frame.axes();
    let (covered, first) = (across.covered(), across.first());
    let shown = first..first + covered.len();
    let columns = Columns::new(rendering.filter, image.size().0, across.picture, shown);
    let mut painter = Painter {
        rendering,
        columns,
        covered,
        width,
        store: Store::of(size_of_val(target)),
        scratch: vec![0.0; CHANNELS * width],
        lines: colors(width),
    };
    let mut rows = Rows::new(*image, rendering.filter, down.picture);
    for y in 0..height {
        let drawn = down.covered();
        let is_drawn = drawn.contains(&y);
        if is_drawn {
            rows.seek(y - drawn.start + down.first());
        }
        painter.paint(is_drawn.then_some(&mut rows), &mut Target { elements: target, height, y });
    }
    painter.store.finish();
    Ok(())
}

/// Writes rows of the target.
struct Painter<'a> {
    rendering: &'a Rendering,
    columns: Columns,
    /// The columns of the canvas that the picture covers.
    covered: Range<usize>,
    width: usize,
    store: Store,
    /// A row of all channels, for what must be converted.
    scratch: Vec<f32>,
    /// A row of each channel, for what is drawn in two steps.
    lines: Colors,
}

/// Where the row `y` is written.
struct Target<'a, T> {
    elements: &'a mut [T],
    height: usize,
    y: usize,
}

impl Painter<'_> {
    /// Draws the row that `rows` are at, or padding if there is none.
    fn paint<T: Level>(&mut self, mut rows: Option<&mut Rows<'_>>, target: &mut Target<'_, T>) {
        let (channels, layout) = (self.rendering.order.channels(), self.rendering.layout);
        if self.rendering.order == ChannelOrder::Gray
            && let Some(rows) = &mut rows
        {
            self.mix_gray(rows);
        }
        if layout == Layout::Planar || channels == 1 {
            for channel in 0..channels {
                let start = (channel * target.height + target.y) * self.width;
                let out = &mut target.elements[start..start + self.width];
                self.paint_plane(rows.as_deref_mut(), channel, out);
            }
        } else {
            let length = self.width * channels;
            let out = &mut target.elements[target.y * length..][..length];
            self.paint_interleaved(rows, out);
        }
    }

    fn paint_plane<T: Level>(
        &mut self,
        rows: Option<&mut Rows<'_>>,
        channel: usize,
        out: &mut [T],
    ) {
        let pad = T::of(self.rendering.pad[channel]);
        let Some(rows) = rows else { return out.fill(pad) };
        out[..self.covered.start].fill(pad);
        out[self.covered.end..].fill(pad);
        let (mean, scale) = self.normalization(channel);
        let Self { rendering, columns, covered, store, scratch, lines, .. } = self;
        let scratch = &mut scratch[..covered.len()];
        T::fill(&mut out[covered.clone()], *store, scratch, |out, store| match rendering.order {
            ChannelOrder::Gray => widest(|| {
                for (out, gray) in out.iter_mut().zip(&lines[0]) {
                    *out = (gray - mean) * scale;
                }
            }),
            order => {
                columns.read(rows.color(order.source(channel)), out, store, (mean, scale));
            }
        });
    }

    fn paint_interleaved<T: Level>(&mut self, rows: Option<&mut Rows<'_>>, out: &mut [T]) {
        let (pixels, _) = out.as_chunks_mut::<CHANNELS>();
        let pad = self.rendering.pad.map(T::of);
        let Some(rows) = rows else { return pixels.fill(pad) };
        pixels[..self.covered.start].fill(pad);
        pixels[self.covered.end..].fill(pad);
        for channel in 0..CHANNELS {
            let from = rows.color(self.rendering.order.source(channel));
            let line = &mut self.lines[channel][..self.covered.len()];
            self.columns.read(from, line, Store::Cached, self.rendering.normalization(channel));
        }
        let Self { covered, store, scratch, lines: [first, second, third], .. } = self;
        let length = CHANNELS * covered.len();
        let out = &mut out[CHANNELS * covered.start..][..length];
        T::fill(out, *store, &mut scratch[..length], |out, _| {
            let (pixels, _) = out.as_chunks_mut();
            for (((pixel, &first), &second), &third) in
                pixels.iter_mut().zip(&*first).zip(&*second).zip(&*third)
            {
                *pixel = [first, second, third];
            }
        });
    }

    /// Writes the luma of a row to the first of `lines`.
    fn mix_gray(&mut self, rows: &mut Rows<'_>) {
        for (color, line) in self.lines.iter_mut().enumerate() {
            self.columns.read(
                rows.color(color),
                &mut line[..self.covered.len()],
                Store::Cached,
                (0.0, 1.0),
            );
        }
        let [red, green, blue] = &mut self.lines;
        widest(|| {
            for ((red, &mut green), &mut blue) in red.iter_mut().zip(green).zip(blue) {
                *red = (*red * 0.299 + green * 0.587) + blue * 0.114;
            }
        });
    }

    fn normalization(&self, channel: usize) -> (f32, f32) {
        self.rendering.normalization(channel)
    }
}

impl Rendering {
    fn normalization(&self, channel: usize) -> (f32, f32) {
        (self.mean[channel], self.scale[channel])
    }
}

#[cfg(test)]
mod tests;
