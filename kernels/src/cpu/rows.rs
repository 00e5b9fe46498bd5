//! Resizing along y: rows of source pixels become one, as wide as they are.

use super::columns::lerp;
use super::resize::Filter;
use super::simd::widest;
use super::taps::{tap, triangle};
use super::unpack::{Colors, colors, unpack};
use super::views::Image;

/// Elements behind a row that may be read, so that a vector fits anywhere in it. Whatever is in
/// them has no weight.
const BEHIND: usize = 16;

/// The rows of one picture.
pub(super) struct Rows<'a> {
    image: Image<'a>,
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
                sum: vec![0.0; image.format().channels() * width],
                weights: Vec::new(),
                mixed: colors(length),
            }),
        };
        Self { image, target, mixer }
    }

    /// Makes row `y` of the target the one that [`Rows::color`] gives.
    pub(super) fn seek(&mut self, y: usize) {
        match &mut self.mixer {
            Mixer::Bilinear(mixer) => mixer.seek(&self.image, self.target, y),
            Mixer::Triangle(mixer) => mixer.seek(&self.image, self.target, y),
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
    fn seek(&mut self, image: &Image<'_>, target: usize, y: usize) {
        let tap = tap(image.size().1, target, y);
        if self.below.index == Some(tap.first) {
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.above.read(image, tap.first);
        self.weight = tap.weight;
        if tap.weight > 0.0 {
            self.below.read(image, tap.first + 1);
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
    fn read(&mut self, image: &Image<'_>, index: usize) {
        if self.index.replace(index) != Some(index) {
            unpack(image.row(index), image.format(), &mut self.colors);
        }
    }
}

/// Of as many rows as the filter reaches.
struct Triangle {
    /// Of the rows as they are stored.
    sum: Vec<f32>,
    weights: Vec<f32>,
    mixed: Colors,
}

impl Triangle {
    fn seek(&mut self, image: &Image<'_>, target: usize, y: usize) {
        let first = triangle(image.size().1, target, y, &mut self.weights);
        self.sum.fill(0.0);
        for (index, &weight) in (first..).zip(&self.weights) {
            widest(|| {
                for (sum, &level) in self.sum.iter_mut().zip(image.row(index)) {
                    *sum += f32::from(level) * weight;
                }
            });
        }
        unpack(&self.sum, image.format(), &mut self.mixed);
    }
}
