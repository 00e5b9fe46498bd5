//! Where a heat map is hottest: the key points of a pose, for one.

use super::argmax::argmax;

/// How exactly a place is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refinement {
    /// The pixel.
    None,
    /// A quarter of a pixel towards the hotter neighbour, along each axis, unless it is at the
    /// edge or both are as hot: what most pose estimators do.
    Quarter,
}

/// The hottest pixel of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Column and row.
    pub place: [f32; 2],
    /// Its heat.
    pub score: f32,
}

/// The first of the hottest pixels of `map`, rows of `width` pixels. NaNs are never the hottest; of
/// nothing but NaNs, or nothing at all, the peak is at 0, 0 with a score of NaN.
#[expect(clippy::cast_precision_loss, reason = "no axis of a tensor in memory is so long")]
pub fn peak(map: &[f32], width: usize, refinement: Refinement) -> Peak {
    let Some((index, _)) = argmax(map).filter(|_| width > 0) else {
        return Peak { place: [0.0; 2], score: f32::NAN };
    };
    let (x, y) = (index % width, index / width);
    let shift = |is_inside: bool, step: usize| {
        if !is_inside || refinement == Refinement::None {
            return 0.0;
        }
        let (before, after) = (map[index - step], map[index + step]);
        // A NaN is neither hotter nor colder.
        f32::from(i8::from(after > before) - i8::from(before > after)) * 0.25
    };
    let dx = shift(x > 0 && x + 1 < width, 1);
    let dy = shift(y > 0 && index + width < map.len(), width);
    Peak { place: [x as f32 + dx, y as f32 + dy], score: map[index] }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;

    #[test]
    fn peaks_by_hand() {
        let check = |map: &[f32], width, refinement, expected| {
            let Peak { place, score } = peak(map, width, refinement);
            assert_eq!((place, score), expected, "{map:?}");
        };
        let map = [0.0, 3.0, 0.0, 1.0, 9.0, 2.0, 0.0, 1.0, 0.0];
        check(&map, 3, Refinement::None, ([1.0, 1.0], 9.0));
        check(&map, 3, Refinement::Quarter, ([1.25, 0.75], 9.0));
        check(&[1.0, 9.0, 1.0], 3, Refinement::Quarter, ([1.0, 0.0], 9.0));
        check(&[9.0, 1.0, 9.0], 3, Refinement::Quarter, ([0.0, 0.0], 9.0));
        check(&[f32::NAN, 9.0, 1.0], 3, Refinement::Quarter, ([1.0, 0.0], 9.0));
        check(&[1.0, 2.0, f32::INFINITY], 1, Refinement::Quarter, ([0.0, 2.0], f32::INFINITY));
    }

    #[test]
    fn no_number_no_peak() {
        for (map, width) in [(&[][..], 0), (&[], 3), (&[f32::NAN; 4], 2)] {
            let Peak { place, score } = peak(map, width, Refinement::Quarter);
            assert!(place == [0.0; 2] && score.is_nan());
        }
    }
}
