//! Resizing along y: rows of source pixels become one, as wide as they are.

use super::columns::lerp;
use super::resize::Filter;
use super::simd::widest;
use super::taps::{tap, triangle};
use super::unpack::{Colors, Unpacker, colors, repeat_last, unpack};
use super::views::{CHANNELS, Image, Levels};

/// Elements behind a row that may be read, so that a vector fits anywhere in it. Whatever is in
/// them has no weight.
const BEHIND: usize = 16;

/// The rows of one picture.
pub(super) struct Rows<'a> {
    source: Unpacker<'a>,
    /// Rows of the target.
    target: usize,
    mixer: Mixer,
}

enum Mixer {
    Bilinear(Bilinear),
    Triangle(Triangle),
}

impl<'a> Rows<'a> {
    /// `image` as `target` rows.
    pub(super) fn new(image: Image<'a>, filter: Filter, target: usize) -> Self {
        let (width, height) = image.size();
        let length = width + BEHIND;
        let mixer = match filter.along(height, target) {
            Filter::Bilinear => Mixer::Bilinear(Bilinear::new(length)),
            Filter::Triangle => Mixer::Triangle(Triangle {
                sum: vec![0.0; CHANNELS * width],
                weights: Vec::new(),
                line: colors(length),
                mixed: colors(length),
            }),
        };
        Self { source: Unpacker::new(image), target, mixer }
    }

    /// Makes row `y` of the target the one that [`Rows::color`] gives.
    pub(super) fn seek(&mut self, y: usize) {
        match &mut self.mixer {
            Mixer::Bilinear(mixer) => mixer.seek(&mut self.source, self.target, y),
            Mixer::Triangle(mixer) => mixer.seek(&mut self.source, self.target, y),
        }
    }

    /// One colour of the row, its last pixel repeated once behind it.
    pub(super) fn color(&mut self, color: usize) -> &[f32] {
        match &mut self.mixer {
            Mixer::Bilinear(mixer) => mixer.color(color),
            Mixer::Triangle(mixer) => &mixer.mixed[color],
        }
    }
}

/// Of two rows.
struct Bilinear {
    above: Row,
    below: Row,
    weight: f32,
    /// Of one colour: what is mixed is read at once, while it is in the nearest cache.
    mixed: Vec<f32>,
}

/// A source row, unpacked.
struct Row {
    index: Option<usize>,
    colors: Colors,
}

impl Bilinear {
    fn new(length: usize) -> Self {
        let row = || Row { index: None, colors: colors(length) };
        Self { above: row(), below: row(), weight: 0.0, mixed: vec![0.0; length] }
    }

    /// A picture that grows asks for the same rows again and again, so what is there is kept.
    fn seek(&mut self, source: &mut Unpacker<'_>, target: usize, y: usize) {
        let tap = tap(source.image().size().1, target, y);
        if self.below.index == Some(tap.first) {
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.above.read(source, tap.first);
        self.weight = tap.weight;
        if tap.weight > 0.0 {
            self.below.read(source, tap.first + 1);
        }
    }

    fn color(&mut self, color: usize) -> &[f32] {
        let (above, below) = (&self.above.colors[color], &self.below.colors[color]);
        let weight = self.weight;
        if weight == 0.0 {
            return above;
        }
        widest(|| {
            for ((mixed, &above), &below) in self.mixed.iter_mut().zip(above).zip(below) {
                *mixed = lerp(above, below, weight);
            }
        });
        &self.mixed
    }
}

impl Row {
    fn read(&mut self, source: &mut Unpacker<'_>, index: usize) {
        if self.index.replace(index) != Some(index) {
            source.read(index, &mut self.colors);
        }
    }
}

/// Of as many rows as the filter reaches.
struct Triangle {
    /// Of the rows as they are stored, pixel by pixel.
    sum: Vec<f32>,
    weights: Vec<f32>,
    /// A row of a picture in planes.
    line: Colors,
    mixed: Colors,
}

impl Triangle {
    fn seek(&mut self, source: &mut Unpacker<'_>, target: usize, y: usize) {
        let image = *source.image();
        let first = triangle(image.size().1, target, y, &mut self.weights);
        match image.levels() {
            Levels::Interleaved(rows) => {
                let sum = &mut self.sum[..rows.format.channels() * image.size().0];
                sum.fill(0.0);
                for (index, &weight) in (first..).zip(&self.weights) {
                    add(sum, rows.row(image.line(index), &image.columns()), weight);
                }
                unpack(sum, rows.format, &mut self.mixed);
            }
            Levels::Ycc(_) => {
                self.mixed.iter_mut().for_each(|color| color.fill(0.0));
                for (index, &weight) in (first..).zip(&self.weights) {
                    source.read(index, &mut self.line);
                    for (sum, line) in self.mixed.iter_mut().zip(&self.line) {
                        add(sum, line, weight);
                    }
                }
                repeat_last(image.size().0, &mut self.mixed);
            }
        }
    }
}

/// Adds `levels * weight`.
fn add<T: Copy + Into<f32>>(sums: &mut [f32], levels: &[T], weight: f32) {
    widest(|| {
        for (sum, &level) in sums.iter_mut().zip(levels) {
            *sum += level.into() * weight;
        }
    });
}
