//! Boxes that a cascade makes better from net to net, as MTCNN does.
//!
//! The first net slides over a picture: [`Grid`] says which square each of its places has seen. Each
//! net tells by how much a box `(l, t, r, b)` is off, as four shares `d` of its sides, and where
//! points are in it, as shares `p`. With `w = r - l` and `h = b - t`, in this order:
//!
//! ```text
//! corrected = (l + d0 * w, t + d1 * h, r + d2 * w, b + d3 * h)
//! point     = (l + px * w, t + py * h)
//! square    = (x, y, x + s, y + s)    s = max(w, h), x = l + w * 0.5 - s * 0.5, y the same with h
//! ```
//!
//! Places are borders between pixels. MTCNN's own code counts pixels, so a side there is larger by 1.

use super::nms::Candidate;

/// Where the places of a net that slides over a picture are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Pixels from one place to the next.
    pub stride: f32,
    /// The side of the square that a place has seen.
    pub cell: f32,
}

impl Grid {
    /// The squares of the places whose score, the number `class` of their `classes`, is greater than
    /// the threshold; `scores` is rows of `width` places.
    #[expect(clippy::cast_precision_loss, reason = "no axis of a tensor in memory is so long")]
    pub fn candidates(
        self,
        scores: &[f32],
        (width, classes): (usize, usize),
        (class, threshold): (usize, f32),
    ) -> Vec<Candidate> {
        let mut found = Vec::new();
        for (index, place) in scores.chunks_exact(classes.max(1)).enumerate() {
            // A NaN is not greater.
            let Some(&score) = place.get(class).filter(|score| **score > threshold) else {
                continue;
            };
            let left = (index % width) as f32 * self.stride;
            let top = (index / width) as f32 * self.stride;
            let corners = [left, top, left + self.cell, top + self.cell];
            found.push(Candidate { corners, score, class: 0, index });
        }
        found
    }
}

/// What a corrected box is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As it is.
    Free,
    /// The square about its centre with its longer side.
    Square,
}

/// What a net says about boxes: four numbers for each.
#[derive(Clone, Copy, Debug)]
pub struct Corrections<'a>(pub &'a [[f32; 4]]);

impl Corrections<'_> {
    /// Corrects each candidate by the numbers at its index. One that has none, or is not finite
    /// after that, is dropped.
    pub fn apply(self, candidates: &mut Vec<Candidate>) {
        candidates.retain_mut(|candidate| {
            let Some(shares) = self.0.get(candidate.index) else { return false };
            let [left, top, right, bottom] = candidate.corners;
            let (width, height) = (right - left, bottom - top);
            candidate.corners = [
                left + shares[0] * width,
                top + shares[1] * height,
                right + shares[2] * width,
                bottom + shares[3] * height,
            ];
            candidate.corners.iter().all(|place| place.is_finite())
        });
    }
}

impl Shape {
    /// The box in this shape.
    pub fn of(self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        let (width, height) = (right - left, bottom - top);
        match self {
            Self::Free => [left, top, right, bottom],
            Self::Square => {
                let side = width.max(height);
                let left = left + width * 0.5 - side * 0.5;
                let top = top + height * 0.5 - side * 0.5;
                [left, top, left + side, top + side]
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;

    const GRID: Grid = Grid { stride: 2.0, cell: 12.0 };

    #[test]
    fn places_are_squares_of_the_picture() {
        let scores = [0.9, 0.1, 0.3, 0.7, f32::NAN, f32::NAN, 0.4, 0.6];
        let found = GRID.candidates(&scores, (2, 2), (1, 0.5));
        let told: Vec<_> = found.iter().map(|one| (one.index, one.score, one.corners)).collect();
        let expected = [(1, 0.7, [2.0, 0.0, 14.0, 12.0]), (3, 0.6, [2.0, 2.0, 14.0, 14.0])];
        assert_eq!(told, expected);
        assert_eq!(GRID.candidates(&[], (0, 2), (1, 0.5)), []);
        assert_eq!(GRID.candidates(&scores, (2, 2), (2, 0.5)), []);
    }

    #[test]
    fn boxes_are_corrected_by_shares_of_their_sides() {
        let candidate =
            |index| Candidate { corners: [10.0, 20.0, 20.0, 40.0], score: 1.0, class: 0, index };
        let mut candidates = (0..3).map(candidate).collect();
        Corrections(&[[0.5, -0.25, 0.0, 0.1], [f32::NAN; 4]]).apply(&mut candidates);
        let corners: Vec<_> = candidates.iter().map(|one| one.corners).collect();
        assert_eq!(corners, [[15.0, 15.0, 20.0, 42.0]]);
    }

    #[test]
    fn a_square_has_the_centre_and_the_longer_side() {
        let wide = [10.0, 20.0, 30.0, 24.0];
        assert_eq!(Shape::Square.of(wide), [10.0, 12.0, 30.0, 32.0]);
        assert_eq!(Shape::Square.of([20.0, 10.0, 24.0, 30.0]), [12.0, 10.0, 32.0, 30.0]);
        assert_eq!(Shape::Free.of(wide), wide);
    }
}
