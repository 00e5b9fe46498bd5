//! The smallest rectangle, turned in any way, around pixels.
//!
//! One side of it lies on a side of the convex hull (H. Freeman and R. Shapira, 1975), so each
//! side `d = (dx, dy)` of the hull is tried: over all corners `p`,
//!
//! ```text
//! along  = dx * px + dy * py      from its least to its greatest
//! across = dx * py - dy * px
//! area   = (along range) * (across range) / (dx^2 + dy^2)
//! ```
//!
//! All but the area is whole numbers, so a rectangle is exact, and so is what lies in it. The
//! areas are compared in double precision; of equal ones the first is taken.

use std::ops::RangeInclusive;

use super::regions::Point;

/// A rectangle whose sides go along `direction` and across it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    direction: Point,
    along: RangeInclusive<i64>,
    across: RangeInclusive<i64>,
}

impl Rectangle {
    /// The smallest one around `points`, which are sorted by row, then column, without doubles.
    /// `None` without points.
    pub(super) fn around(points: &[Point]) -> Option<Self> {
        let hull = hull(points);
        let next = hull.iter().cycle().skip(1);
        let mut best: Option<(f64, Self)> = None;
        for (from, to) in hull.iter().zip(next) {
            let direction = [to[0] - from[0], to[1] - from[1]];
            let rectangle =
                Self::along(if direction == [0, 0] { [1, 0] } else { direction }, &hull)?;
            let area = rectangle.sides().iter().product();
            if best.as_ref().is_none_or(|(least, _)| area < *least) {
                best = Some((area, rectangle));
            }
        }
        best.map(|(_, rectangle)| rectangle)
    }

    /// The smallest one whose sides are those of the picture.
    pub(super) fn upright(points: &[Point]) -> Option<Self> {
        Self::along([1, 0], points)
    }

    fn along(direction: Point, points: &[Point]) -> Option<Self> {
        let range = |number: &dyn Fn(&Point) -> i64| {
            let numbers = points.iter().map(number);
            Some(numbers.clone().min()?..=numbers.max()?)
        };
        let [dx, dy] = direction;
        Some(Self {
            direction,
            along: range(&|&[x, y]| dx * x + dy * y)?,
            across: range(&|&[x, y]| dx * y - dy * x)?,
        })
    }

    /// Lengths along and across, between the centres of pixels.
    pub(super) fn sides(&self) -> [f64; 2] {
        let length = self.length();
        [&self.along, &self.across].map(|range| float(range.end() - range.start()) / length)
    }

    /// The corners, when each side is moved outwards by `margin`: the one at the left and top
    /// first, then clockwise as one sees it.
    pub(super) fn corners(&self, margin: f64) -> [[f64; 2]; 4] {
        let length = self.length();
        let unit = self.direction.map(|part| float(part) / length);
        let ends = |range: &RangeInclusive<i64>| {
            [float(*range.start()) / length - margin, float(*range.end()) / length + margin]
        };
        let ([a0, a1], [b0, b1]) = (ends(&self.along), ends(&self.across));
        let mut corners = [[a0, b0], [a1, b0], [a1, b1], [a0, b1]]
            .map(|[a, b]| [a * unit[0] - b * unit[1], a * unit[1] + b * unit[0]]);
        corners.sort_by(|one, two| one[0].total_cmp(&two[0]));
        let [left, right] = [[corners[0], corners[1]], [corners[2], corners[3]]]
            .map(|[one, two]| if two[1] < one[1] { [two, one] } else { [one, two] });
        [left[0], right[0], right[1], left[1]]
    }

    /// The pixels of row `y` whose centres lie in it, or within half a pixel of it.
    ///
    /// Half a pixel is `floor(sqrt(dx^2 + dy^2) / 2)` of along and across, so what lies upright is
    /// taken as it is, and what is turned as a filled polygon with its outline.
    pub(super) fn columns(&self, y: i64) -> RangeInclusive<i64> {
        let [dx, dy] = self.direction;
        let half = (dx * dx + dy * dy).isqrt() / 2;
        let range = |factor: i64, range: &RangeInclusive<i64>, offset: i64| {
            solve(factor, range.start() - half - offset, range.end() + half - offset)
        };
        let (along, across) = (range(dx, &self.along, dy * y), range(-dy, &self.across, dx * y));
        along.0.max(across.0)..=along.1.min(across.1)
    }

    fn length(&self) -> f64 {
        let [dx, dy] = self.direction;
        float(dx * dx + dy * dy).sqrt()
    }
}

/// The least and the greatest whole `x` with `low <= factor * x <= high`; if there is none, the
/// greatest is below the least.
fn solve(factor: i64, low: i64, high: i64) -> (i64, i64) {
    match factor {
        0 if low <= 0 && 0 <= high => (i64::MIN, i64::MAX),
        0 => (i64::MAX, i64::MIN),
        1.. => (-(-low).div_euclid(factor), high.div_euclid(factor)),
        _ => solve(-factor, -high, -low),
    }
}

/// Pixels have 16 bits, so all of these are exact.
#[expect(clippy::cast_precision_loss, reason = "at most 34 bits")]
fn float(number: i64) -> f64 {
    number as f64
}

/// The convex hull of sorted points without doubles: Andrew's monotone chain, collinear points
/// left out.
fn hull(points: &[Point]) -> Vec<Point> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut hull = half(points.iter());
    let back = half(points.iter().rev());
    // The ends are in both halves.
    hull.pop();
    hull.extend_from_slice(&back[..back.len() - 1]);
    hull
}

fn half<'p>(points: impl Iterator<Item = &'p Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., one, two] = chain[..]
            && turn(one, two, point) <= 0
        {
            chain.pop();
        }
        chain.push(point);
    }
    chain
}

fn turn(one: Point, two: Point, three: Point) -> i64 {
    let (ax, ay) = (two[0] - one[0], two[1] - one[1]);
    let (bx, by) = (three[0] - one[0], three[1] - one[1]);
    // Points are sorted by row first, so x and y change places.
    ay * bx - ax * by
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(points: &[Point]) -> Vec<Point> {
        let mut points = points.to_vec();
        points.sort_by_key(|&[x, y]| [y, x]);
        points.dedup();
        points
    }

    #[test]
    fn rectangles_by_hand() {
        let check = |points: &[Point], corners: [[f64; 2]; 4], sides: [f64; 2]| {
            let rectangle = Rectangle::around(&sorted(points)).unwrap();
            let mut got = rectangle.sides();
            got.sort_by(f64::total_cmp);
            assert!(got.iter().zip(sides).all(|(one, two)| (one - two).abs() < 1e-9), "{got:?}");
            let got = rectangle.corners(0.0);
            let near = |(one, two): (&[f64; 2], &[f64; 2])| {
                (one[0] - two[0]).abs() < 1e-9 && (one[1] - two[1]).abs() < 1e-9
            };
            assert!(got.iter().zip(&corners).all(near), "{got:?}");
        };
        check(&[[3, 4]], [[3.0, 4.0]; 4], [0.0, 0.0]);
        let upright = [[1.0, 2.0], [5.0, 2.0], [5.0, 4.0], [1.0, 4.0]];
        check(&[[1, 2], [5, 4], [1, 4], [5, 2], [3, 3]], upright, [2.0, 4.0]);
        let turned = [[1.0, 0.0], [5.0, 2.0], [4.0, 4.0], [0.0, 2.0]];
        check(&[[1, 0], [5, 2], [4, 4], [0, 2]], turned, [5.0_f64.sqrt(), 20.0_f64.sqrt()]);
        assert_eq!(Rectangle::around(&[]), None);
        assert_eq!(Rectangle::upright(&sorted(&[[1, 1], [2, 5]])).unwrap().sides(), [1.0, 4.0]);
    }

    #[test]
    fn a_margin_moves_each_side() {
        let rectangle = Rectangle::upright(&[[1, 2], [5, 4]]).unwrap();
        let expected = [[0.0, 1.0], [6.0, 1.0], [6.0, 5.0], [0.0, 5.0]];
        assert_eq!(rectangle.corners(1.0), expected);
    }

    proptest! {
        #[test]
        fn holds_all_points_and_is_the_smallest_of_a_thousand_turns(
            points in prop::collection::vec((0_i64..30, 0_i64..30), 1..20)
        ) {
            let points = sorted(&points.iter().map(|&(x, y)| [x, y]).collect::<Vec<_>>());
            let rectangle = Rectangle::around(&points).unwrap();
            for &[x, y] in &points {
                prop_assert!(rectangle.columns(y).contains(&x));
            }
            let area: f64 = rectangle.sides().iter().product();
            for turn in 0..1000 {
                let (sin, cos) = (f64::from(turn) / 1000.0 * std::f64::consts::FRAC_PI_2).sin_cos();
                let range = |a: f64, b: f64| {
                    let of = |&[x, y]: &Point| a * float(x) + b * float(y);
                    let all: Vec<_> = points.iter().map(of).collect();
                    all.iter().copied().fold(f64::MIN, f64::max)
                        - all.iter().copied().fold(f64::MAX, f64::min)
                };
                prop_assert!(range(cos, sin) * range(-sin, cos) >= area - 1e-6);
            }
        }

        #[test]
        fn solutions_are_all_and_only_those(factor in -5_i64..6, low in -40_i64..40, more in 0_i64..40) {
            let (least, greatest) = solve(factor, low, low + more);
            for x in -50..50 {
                prop_assert_eq!((least..=greatest).contains(&x), (low..=low + more).contains(&(factor * x)));
            }
        }
    }
}
