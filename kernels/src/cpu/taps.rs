//! Where a resized picture takes its pixels from, along one axis.
//!
//! A pixel is a small square, and its colour belongs to the square's centre. Pixel `i` of `target`
//! therefore lies at source coordinate
//!
//! ```text
//! x = (i + 0.5) * source / target - 0.5
//! ```
//!
//! which ONNX's operator `Resize` calls `half_pixel`, and what OpenCV's `INTER_LINEAR` does.
//!
//! [`tap`]: two pixels, however much the picture shrinks. `x` is clamped to `0 ..= source - 1`;
//! its whole part is the first tap, the next pixel is the second one, and its fraction is the
//! weight of the second.
//!
//! [`triangle`]: all pixels nearer to `x` than `s = max(source / target, 1)`, each with the weight
//! `s - |j - x|`, divided by the sum of all weights; those beyond the edge do not count. That is
//! Pillow's `BILINEAR`, and `Resize` with `antialias = 1`.
//!
//! All is multiplied by `2 * target` here, so it is whole numbers up to one correctly rounded
//! division: the same on every device.

use super::views::AXIS_MAX;

/// Two pixels of the source that make one pixel of the target: `first`, and the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    /// The pixel at or before the coordinate.
    pub(super) first: usize,
    /// How much of the next pixel, from 0 to less than 1; the rest is `first`. It is 0 when
    /// `first` is the last one.
    pub(super) weight: f32,
}

const _: () = assert!(usize::BITS >= 64, "the products below need 34 bits");

/// The taps of pixel `i` of `target` pixels, over `source` pixels; both are 1 to [`AXIS_MAX`].
pub(super) fn tap(source: usize, target: usize, i: usize) -> Tap {
    debug_assert!((1..=AXIS_MAX).contains(&source) && (1..=AXIS_MAX).contains(&target));
    let unit = 2 * target;
    let x = ((2 * i + 1) * source).saturating_sub(target).min((source - 1) * unit);
    Tap { first: x / unit, weight: ratio(x % unit, unit) }
}

/// The first pixel of a triangle, and its weights, which are written over `weights`.
pub(super) fn triangle(source: usize, target: usize, i: usize, weights: &mut Vec<f32>) -> usize {
    debug_assert!((1..=AXIS_MAX).contains(&source) && (1..=AXIS_MAX).contains(&target));
    // The centre of source pixel `j` is at `(2 * j + 1) * target`.
    let centre = (2 * i + 1) * source;
    let reach = 2 * source.max(target);
    let weight = |j: usize| reach.saturating_sub(centre.abs_diff((2 * j + 1) * target));
    // The first whose centre is more than `centre - reach`.
    let first = (centre.saturating_sub(reach) + target) / (2 * target);
    let is_inside = |&j: &usize| j < source && (2 * j + 1) * target < centre + reach;
    let pixels = || (first..).take_while(is_inside);
    let sum: usize = pixels().map(weight).sum();
    weights.clear();
    weights.extend(pixels().map(|j| ratio(weight(j), sum)));
    first
}

/// Of whole numbers, each rounded to a float first; up to 24 bits are exact.
#[expect(clippy::cast_precision_loss, reason = "the rounding is part of the formula")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: usize, target: usize, expected: &[(usize, f32)]) {
        let expected: Vec<_> =
            expected.iter().map(|&(first, weight)| Tap { first, weight }).collect();
        let got: Vec<_> = (0..target).map(|i| tap(source, target, i)).collect();
        assert_eq!(got, expected, "{source} to {target}");
    }

    #[test]
    fn centres_meet_centres() {
        check(1, 1, &[(0, 0.0)]);
        check(3, 3, &[(0, 0.0), (1, 0.0), (2, 0.0)]);
        check(4, 2, &[(0, 0.5), (2, 0.5)]);
        check(3, 1, &[(1, 0.0)]);
        check(5, 2, &[(0, 0.75), (3, 0.25)]);
    }

    #[test]
    fn the_edge_repeats_beyond_the_outer_centres() {
        check(2, 4, &[(0, 0.0), (0, 0.25), (0, 0.75), (1, 0.0)]);
        check(1, 3, &[(0, 0.0), (0, 0.0), (0, 0.0)]);
    }

    #[test]
    fn the_longest_axes_stay_inside() {
        for (source, target) in [(AXIS_MAX, AXIS_MAX - 1), (AXIS_MAX - 1, AXIS_MAX), (1, AXIS_MAX)]
        {
            for i in 0..target {
                let Tap { first, weight } = tap(source, target, i);
                assert!((0.0..1.0).contains(&weight));
                assert!(if weight > 0.0 { first + 1 < source } else { first < source });
            }
        }
    }

    /// A first pixel and its weights.
    type Expected<'a> = (usize, &'a [f32]);

    fn triangles(source: usize, target: usize) -> Vec<(usize, Vec<f32>)> {
        let one = |i| {
            let mut weights = Vec::new();
            (triangle(source, target, i, &mut weights), weights)
        };
        (0..target).map(one).collect()
    }

    #[test]
    fn triangles_by_hand() {
        let cases: [(usize, usize, &[Expected<'_>]); 4] = [
            (3, 3, &[(0, &[1.0]), (1, &[1.0]), (2, &[1.0])]),
            // The reach of 2 ends on the centres of the pixels beyond.
            (
                4,
                2,
                &[(0, &[3.0 / 7.0, 3.0 / 7.0, 1.0 / 7.0]), (1, &[1.0 / 7.0, 3.0 / 7.0, 3.0 / 7.0])],
            ),
            (3, 1, &[(0, &[2.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0])]),
            (2, 4, &[(0, &[1.0]), (0, &[0.75, 0.25]), (0, &[0.25, 0.75]), (1, &[1.0])]),
        ];
        for (source, target, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(first, weights)| (*first, weights.to_vec())).collect();
            assert_eq!(triangles(source, target), expected, "{source} to {target}");
        }
    }

    #[test]
    fn triangles_stay_inside_and_have_the_sum_of_one() {
        for (source, target) in [(1, 5), (5, 1), (17, 5), (5, 17), (AXIS_MAX, 3), (3, 1000)] {
            for (first, weights) in triangles(source, target) {
                assert!(!weights.is_empty() && first + weights.len() <= source);
                assert!(weights.iter().all(|&weight| weight > 0.0));
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            }
        }
    }
}
