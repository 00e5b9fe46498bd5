//! Which part of a picture a box is.
//!
//! Coordinates count from the top left corner of the upright picture, and whole numbers are the
//! borders between pixels: the box (0, 0, 1, 1) is the first pixel. Each border is rounded to the
//! nearest whole number, halves away from zero, and moved into the picture; a box that has no pixel
//! after that gets the one nearest to it.

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Boxes {
    /// Their meaning.
    pub(crate) format: BoxFormat,
    /// Their units.
    pub(crate) units: BoxUnits,
}

/// The meaning of the four numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BoxFormat {
    /// Left, top, right, bottom.
    #[default]
    Xyxy,
    /// Left, top, width, height.
    Xywh,
    /// Column and row of the centre, width, height.
    Cxcywh,
}

/// The units of the four numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BoxUnits {
    /// Pixels of the picture as it came.
    #[default]
    Pixels,
    /// Shares of its width and height.
    Normalized,
}

/// A part of a picture that has at least one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first column and row.
    pub(crate) start: (usize, usize),
    /// Columns and rows.
    pub(crate) size: (usize, usize),
}

impl Part {
    /// All of a picture.
    pub(crate) fn whole(size: (usize, usize)) -> Self {
        Self { start: (0, 0), size }
    }
}

impl Boxes {
    /// The part of a picture of `width` x `height` that a box is; `None` if it has a number that
    /// is not finite.
    pub(crate) fn part(self, numbers: [f32; 4], (width, height): (usize, usize)) -> Option<Part> {
        let [a, b, c, d] = numbers.map(f64::from);
        let [left, top, right, bottom] = match self.format {
            BoxFormat::Xyxy => [a, b, c, d],
            BoxFormat::Xywh => [a, b, a + c, b + d],
            BoxFormat::Cxcywh => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
        };
        let (columns, count) = self.span([left, right], width)?;
        let (rows, height) = self.span([top, bottom], height)?;
        Some(Part { start: (columns, rows), size: (count, height) })
    }

    /// The first pixel of `side` between two borders, and how many there are.
    fn span(self, borders: [f64; 2], side: usize) -> Option<(usize, usize)> {
        if !borders.iter().all(|border| border.is_finite()) {
            return None;
        }
        let unit = match self.units {
            BoxUnits::Pixels => 1.0,
            BoxUnits::Normalized => f64::from(u32::try_from(side).ok()?),
        };
        let [start, end] = borders.map(|border| inside(border * unit, side));
        let start = start.min(side - 1);
        Some((start, end.max(start + 1) - start))
    }
}

/// The nearest border that a side of `side` pixels has.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps")]
fn inside(border: f64, side: usize) -> usize {
    (border.round() as usize).min(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: BoxFormat, units: BoxUnits, numbers: [f32; 4], expected: [usize; 4]) {
        let [left, top, width, height] = expected;
        let part = Boxes { format, units }.part(numbers, (100, 50));
        let expected = Part { start: (left, top), size: (width, height) };
        assert_eq!(part, Some(expected), "{format:?} {units:?} {numbers:?}");
    }

    #[test]
    fn boxes_are_parts() {
        use BoxFormat::{Cxcywh, Xywh, Xyxy};
        use BoxUnits::{Normalized, Pixels};
        check(Xyxy, Pixels, [10.0, 20.0, 30.0, 25.0], [10, 20, 20, 5]);
        check(Xyxy, Pixels, [10.4, 19.5, 29.5, 25.4], [10, 20, 20, 5]);
        check(Xywh, Pixels, [10.0, 20.0, 30.0, 25.0], [10, 20, 30, 25]);
        check(Cxcywh, Pixels, [25.0, 25.0, 30.0, 10.0], [10, 20, 30, 10]);
        check(Xyxy, Normalized, [0.1, 0.4, 0.3, 0.5], [10, 20, 20, 5]);
        check(Xyxy, Pixels, [-10.0, -1e30, 300.0, f32::MAX], [0, 0, 100, 50]);
        check(Xyxy, Pixels, [30.0, 20.0, 10.0, 20.0], [30, 20, 1, 1]);
        check(Xyxy, Pixels, [200.0, 200.0, 300.0, 300.0], [99, 49, 1, 1]);
        check(Xyxy, Pixels, [-20.0, -20.0, -10.0, -10.0], [0, 0, 1, 1]);
    }

    #[test]
    fn what_is_no_number_is_no_part() {
        for bad in [f32::NAN, f32::INFINITY] {
            for index in 0..4 {
                let mut numbers = [1.0, 1.0, 2.0, 2.0];
                numbers[index] = bad;
                assert_eq!(Boxes::default().part(numbers, (9, 9)), None);
            }
        }
    }
}
