//! Resizing along x: one row of source pixels becomes one row of the target.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use self::blocks::{Blocks, Row};
use super::resize::Filter;
use super::stream::Store;
use super::taps::{tap, triangle};

#[cfg(target_arch = "x86_64")]
mod blocks;

/// What a row is made of, computed once for a picture.
pub(super) enum Columns {
    Bilinear(Bilinear),
    Triangle(Triangle),
}

impl Columns {
    /// For the pixels `shown` of `target` pixels, over `source` pixels.
    pub(super) fn new(filter: Filter, source: usize, target: usize, shown: Range<usize>) -> Self {
        match filter.along(source, target) {
            Filter::Bilinear => Self::Bilinear(Bilinear::new(source, target, shown)),
            Filter::Triangle => Self::Triangle(Triangle::new(source, target, shown)),
        }
    }

    /// Writes `(pixel - mean) * scale` of each pixel to `out`. Behind `source` the last pixel is
    /// repeated.
    pub(super) fn read(
        &self,
        source: &[f32],
        out: &mut [f32],
        store: Store,
        (mean, scale): (f32, f32),
    ) {
        match self {
            Self::Bilinear(columns) => columns.read(source, out, store, (mean, scale)),
            Self::Triangle(columns) => columns.read(source, out, (mean, scale)),
        }
    }
}

/// Two taps a pixel.
pub(super) struct Bilinear {
    first: Vec<usize>,
    weights: Vec<f32>,
    #[cfg(target_arch = "x86_64")]
    blocks: Option<Blocks>,
}

impl Bilinear {
    fn new(source: usize, target: usize, shown: Range<usize>) -> Self {
        let taps = shown.map(|i| tap(source, target, i));
        let (first, weights): (Vec<_>, _) = taps.map(|tap| (tap.first, tap.weight)).unzip();
        Self {
            #[cfg(target_arch = "x86_64")]
            blocks: Blocks::new(&first),
            first,
            weights,
        }
    }

    fn read(&self, source: &[f32], out: &mut [f32], store: Store, (mean, scale): (f32, f32)) {
        #[cfg(target_arch = "x86_64")]
        let done = match &self.blocks {
            Some(blocks) => {
                let row = Row { source, weights: &self.weights, store };
                blocks.read(&row, out, (mean, scale))
            }
            None => 0,
        };
        #[cfg(not(target_arch = "x86_64"))]
        let (Store::Cached | Store::Streamed, done) = (store, 0);
        let rest = self.first[done..].iter().zip(&self.weights[done..]);
        for (out, (&first, &weight)) in out[done..].iter_mut().zip(rest) {
            let pixel = lerp(source[first], source[first + 1], weight);
            *out = (pixel - mean) * scale;
        }
    }
}

/// As many taps as the filter reaches.
pub(super) struct Triangle {
    /// The first tap of each pixel, and how many it has.
    spans: Vec<(usize, usize)>,
    /// The weights of all pixels, one after the other.
    weights: Vec<f32>,
}

impl Triangle {
    fn new(source: usize, target: usize, shown: Range<usize>) -> Self {
        let (mut weights, mut one) = (Vec::new(), Vec::new());
        let span = |i| {
            let first = triangle(source, target, i, &mut one);
            weights.extend_from_slice(&one);
            (first, one.len())
        };
        let spans = shown.map(span).collect();
        Self { spans, weights }
    }

    fn read(&self, source: &[f32], out: &mut [f32], (mean, scale): (f32, f32)) {
        let mut weights = self.weights.as_slice();
        for (out, &(first, count)) in out.iter_mut().zip(&self.spans) {
            let (own, rest) = weights.split_at(count);
            weights = rest;
            let taps = source[first..first + count].iter().zip(own);
            let pixel = taps.fold(0.0, |sum, (level, weight)| sum + level * weight);
            *out = (pixel - mean) * scale;
        }
    }
}

/// Not `f32::mul_add`: a device must be able to give the same bits without it.
#[inline]
pub(super) fn lerp(first: f32, second: f32, weight: f32) -> f32 {
    first + (second - first) * weight
}
