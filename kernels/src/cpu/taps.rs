//! Where a resized picture takes its pixels from, along one axis.
//!
//! A pixel is a small square, and its colour belongs to the square's centre. Pixel `i` of `target`
//! therefore lies at source coordinate
//!
//! ```text
//! x = (i + 0.5) * source / target - 0.5        clamped to 0 ..= source - 1
//! ```
//!
//! which ONNX's operator `Resize` calls `half_pixel`, and what OpenCV's `INTER_LINEAR` does. Its
//! whole part is the first tap, the next pixel is the second one, and its fraction is the weight
//! of the second.
//!
//! All is multiplied by `2 * target` here, so it is whole numbers up to one correctly rounded
//! division: exact, and the same on every device.

use super::views::AXIS_MAX;

/// The two pixels of the source that make one pixel of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    /// The pixel at or before the coordinate.
    pub(super) first: usize,
    /// The one after it, or `first` itself at the end of the axis.
    pub(super) second: usize,
    /// How much of `second`, from 0 to less than 1; the rest is `first`.
    pub(super) weight: f32,
}

const _: () = assert!(usize::BITS >= 64, "the products below need 34 bits");

/// The taps of all pixels of an axis of `target` pixels, over an axis of `source` pixels.
/// Both are 1 to [`AXIS_MAX`].
pub(super) fn taps(source: usize, target: usize) -> impl Iterator<Item = Tap> {
    debug_assert!((1..=AXIS_MAX).contains(&source) && (1..=AXIS_MAX).contains(&target));
    let unit = 2 * target;
    let last = source - 1;
    (0..target).map(move |i| {
        let x = ((2 * i + 1) * source).saturating_sub(target).min(last * unit);
        let first = x / unit;
        Tap { first, second: (first + 1).min(last), weight: ratio(x % unit, unit) }
    })
}

/// Both are at most `2 * AXIS_MAX`, which a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "17 bits fit the 24 of a float")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: usize, target: usize, expected: &[(usize, usize, f32)]) {
        let expected: Vec<_> =
            expected.iter().map(|&(first, second, weight)| Tap { first, second, weight }).collect();
        assert_eq!(taps(source, target).collect::<Vec<_>>(), expected, "{source} to {target}");
    }

    #[test]
    fn centres_meet_centres() {
        check(1, 1, &[(0, 0, 0.0)]);
        check(3, 3, &[(0, 1, 0.0), (1, 2, 0.0), (2, 2, 0.0)]);
        check(4, 2, &[(0, 1, 0.5), (2, 3, 0.5)]);
        check(3, 1, &[(1, 2, 0.0)]);
        check(5, 2, &[(0, 1, 0.75), (3, 4, 0.25)]);
    }

    #[test]
    fn the_edge_repeats_beyond_the_outer_centres() {
        check(2, 4, &[(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.0)]);
        check(1, 3, &[(0, 0, 0.0), (0, 0, 0.0), (0, 0, 0.0)]);
    }

    #[test]
    fn the_longest_axes_stay_inside() {
        for (source, target) in [(AXIS_MAX, AXIS_MAX - 1), (AXIS_MAX - 1, AXIS_MAX), (1, AXIS_MAX)]
        {
            for tap in taps(source, target) {
                assert!(tap.second < source && tap.first <= tap.second);
                assert!((0.0..1.0).contains(&tap.weight));
            }
        }
    }
}
