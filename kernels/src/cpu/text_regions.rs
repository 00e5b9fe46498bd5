//! From a map of probabilities to boxes around lines of text: the post-processing of M. Liao et
//! al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020, as
//! `PaddleOCR` does it.
//!
//! ```text
//! mask     = map > threshold, or a pixel whose left, upper or upper left neighbour is (dilate)
//! region   = connected pixels of the mask (8-connectivity)
//! box      = smallest rectangle around their centres, turned or upright, w x h
//!            gone if min(w, h) < side_min
//! score    = mean of the map over the pixels within half a pixel of the box
//!            added in double precision, row by row
//!            gone if score < box_threshold, or NaN
//! distance = w * h * unclip_ratio / (2 * (w + h))
//! box      = each side moved outwards by distance
//!            gone if min(w, h) + 2 * distance < side_min + 2
//! ```
//!
//! It differs from the original where that works around its libraries: no box is rounded to whole
//! pixels on the way, holes of regions are not regions, and the score is the mean over the
//! exact box with its outline, not over the box with its corners cut to whole pixels.

use super::rectangle::Rectangle;
use super::regions::regions;
use super::views::AXIS_MAX;

/// Which rectangles are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxShape {
    /// Turned in any way.
    Turned,
    /// With the sides of the picture.
    Upright,
}

/// Whether the mask is grown by a pixel to the right and down, which joins what a pixel parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dilation {
    /// It stays as it is.
    None,
    /// By a square of two by two pixels.
    Two,
}

/// How text is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextRegions {
    /// A pixel's probability is greater.
    pub threshold: f32,
    /// Whether the mask is grown.
    pub dilation: Dilation,
    /// Which rectangles are tried.
    pub shape: BoxShape,
    /// A box's score is not less.
    pub box_threshold: f32,
    /// How much a box grows.
    pub unclip_ratio: f32,
    /// The least side of a box before it grows, in pixels.
    pub side_min: f32,
    /// Most regions that are looked at, from the top.
    pub regions_max: usize,
}

/// A line of text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextBox {
    /// Its corners in the map's pixels, x and y: the one at the left and top first, then clockwise.
    pub corners: [[f32; 2]; 4],
    /// The mean probability.
    pub score: f32,
}

impl TextRegions {
    /// The lines of text in `map`, rows of `width` pixels, in the order of their first pixels. A
    /// map that is no rectangle, or has a side above [`AXIS_MAX`], has none.
    pub fn find(&self, map: &[f32], (width, height): (usize, usize)) -> Vec<TextBox> {
        if width.max(height) > AXIS_MAX || width * height != map.len() || map.is_empty() {
            return Vec::new();
        }
        let found = regions((width, height), self.regions_max, |y, row| {
            let (start, end) = (y * width, (y + 1) * width);
            match self.dilation {
                Dilation::None => self.read(&map[start..end], row),
                Dilation::Two => self.read_grown(&map[start.saturating_sub(width)..end], row),
            }
        });
        found.iter().filter_map(|points| self.text_box(map, width, points)).collect()
    }

    fn read(&self, line: &[f32], row: &mut [bool]) {
        row.iter_mut().zip(line).for_each(|(is_set, &number)| *is_set = number > self.threshold);
    }

    /// `lines` are the line itself and, unless it is the first, the one above it.
    fn read_grown(&self, lines: &[f32], row: &mut [bool]) {
        row.fill(false);
        for line in lines.chunks_exact(row.len()) {
            let mut was_set = false;
            for (is_set, &number) in row.iter_mut().zip(line) {
                let here = number > self.threshold;
                *is_set |= here | was_set;
                was_set = here;
            }
        }
    }

    fn text_box(&self, map: &[f32], width: usize, points: &[[i64; 2]]) -> Option<TextBox> {
        let rectangle = match self.shape {
            BoxShape::Turned => Rectangle::around(points)?,
            BoxShape::Upright => Rectangle::upright(points)?,
        };
        let [w, h] = rectangle.sides();
        let side_min = f64::from(self.side_min);
        if w.min(h) < side_min {
            return None;
        }
        let score = mean(map, width, &rectangle);
        if score.is_nan() || score < f64::from(self.box_threshold) {
            return None;
        }
        let around = 2.0 * (w + h);
        let ratio = f64::from(self.unclip_ratio);
        let distance = if around > 0.0 { w * h * ratio / around } else { 0.0 };
        if w.min(h) + 2.0 * distance < side_min + 2.0 {
            return None;
        }
        let corners = rectangle.corners(distance).map(|corner| corner.map(single));
        Some(TextBox { corners, score: single(score) })
    }
}

/// The mean of the map over the pixels in `rectangle`; NaN if there are none.
#[expect(clippy::cast_precision_loss, reason = "a map has less than 2^32 pixels")]
fn mean(map: &[f32], width: usize, rectangle: &Rectangle) -> f64 {
    let rows = rectangle.corners(0.0).map(|[_, y]| y);
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    let bottom = rows.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut count) = (0.0, 0_usize);
    for (y, line) in (0_u32..).zip(map.chunks_exact(width)) {
        // One more on each side, since these two are not exact.
        if f64::from(y) < top - 1.0 || f64::from(y) > bottom + 1.0 {
            continue;
        }
        let columns = rectangle.columns(y.into());
        let first = usize::try_from((*columns.start()).max(0)).unwrap_or(width);
        let end = usize::try_from(columns.end().saturating_add(1)).unwrap_or(0).min(width);
        for &number in line.get(first..end).unwrap_or_default() {
            sum += f64::from(number);
            count += 1;
        }
    }
    sum / count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn single(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests;
