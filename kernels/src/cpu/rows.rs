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
    filter: Filter,
    /// Rows of the target.
    target: usize,
    above: Row,
    below: Row,
    mixed: Colors,
    weights: Vec<f32>,
}

/// A source row, unpacked.
struct Row {
    index: Option<usize>,
    colors: Colors,
}

impl<'a> Rows<'a> {
    /// `image` as `target` rows.
    pub(super) fn new(image: Image<'a>, filter: Filter, target: usize) -> Self {
        let length = image.size().0 + BEHIND;
        let row = || Row { index: None, colors: colors(length) };
        let weights = Vec::new();
        Self { image, filter, target, above: row(), below: row(), mixed: colors(length), weights }
    }

    /// Row `y` of the target: each colour, its last pixel repeated once behind it.
    pub(super) fn get(&mut self, y: usize) -> &Colors {
        match self.filter {
            Filter::Bilinear => self.bilinear(y),
            Filter::Triangle => self.triangle(y),
        }
    }

    /// A picture that grows asks for the same rows again and again, so what is there is kept.
    fn bilinear(&mut self, y: usize) -> &Colors {
        let tap = tap(self.image.size().1, self.target, y);
        if self.below.index == Some(tap.first) {
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.above.read(&self.image, tap.first);
        if tap.weight == 0.0 {
            return &self.above.colors;
        }
        self.below.read(&self.image, tap.first + 1);
        for ((mixed, above), below) in
            self.mixed.iter_mut().zip(&self.above.colors).zip(&self.below.colors)
        {
            widest(|| {
                for ((mixed, &above), &below) in mixed.iter_mut().zip(above).zip(below) {
                    *mixed = lerp(above, below, tap.weight);
                }
            });
        }
        &self.mixed
    }

    fn triangle(&mut self, y: usize) -> &Colors {
        let first = triangle(self.image.size().1, self.target, y, &mut self.weights);
        self.mixed.iter_mut().for_each(|color| color.fill(0.0));
        for (index, &weight) in (first..).zip(&self.weights) {
            self.above.read(&self.image, index);
            for (sum, row) in self.mixed.iter_mut().zip(&self.above.colors) {
                widest(|| {
                    for (sum, &level) in sum.iter_mut().zip(row) {
                        *sum += level * weight;
                    }
                });
            }
        }
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
