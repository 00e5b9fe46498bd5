//! From the output of an anchor-free detector, in the YOLO manner, to candidates.
//!
//! Each of N places has four numbers of a box, perhaps an objectness, and a number for each class:
//!
//! ```text
//! class = the first of the largest numbers        NaNs are never the largest
//! score = f(number)                               or f(objectness) * f(number)
//! box   = (a - c * 0.5, b - d * 0.5, a + c * 0.5, b + d * 0.5)   of centre and size
//!         (a, b, c, d)                                           of corners
//!         times `coordinate_scale` along x and y
//! ```
//!
//! where `f` is nothing or the sigmoid of `exp.rs`. A place is a candidate if its score is greater
//! than the threshold, which a NaN is not, its number is not negative infinity, and all of its box
//! is finite.

use super::argmax::argmax;
use super::exp::sigmoid;
use super::nms::Candidate;

/// Numbers of a box.
const BOX: usize = 4;

/// Places that are looked at together, so that their best numbers stay in the first cache.
const BLOCK: usize = 1024;

/// How a detector's output is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceAxis {
    /// `[numbers, places]`, as most newer detectors are exported.
    Last,
    /// `[places, numbers]`, as most older ones are, with an objectness.
    First,
}

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxFormat {
    /// Centre x, centre y, width, height.
    CentreSize,
    /// Left, top, right, bottom.
    Corners,
}

impl BoxFormat {
    /// Left, top, right, bottom.
    pub fn corners(self, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
        match self {
            Self::CentreSize => [a - c * 0.5, b - d * 0.5, a + c * 0.5, b + d * 0.5],
            Self::Corners => [a, b, c, d],
        }
    }
}

/// What follows a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objectness {
    /// The classes.
    Absent,
    /// A factor of all scores, then the classes.
    Present,
}

/// What makes scores of a detector's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// They are scores.
    None,
    /// They are logits.
    Sigmoid,
}

impl Activation {
    fn apply(self, number: f32) -> f32 {
        match self {
            Self::None => number,
            Self::Sigmoid => sigmoid(number),
        }
    }
}

/// How a detector's output is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoding {
    /// How it is laid out.
    pub place_axis: PlaceAxis,
    /// What the four numbers of a box are.
    pub box_format: BoxFormat,
    /// Whether there is an objectness.
    pub objectness: Objectness,
    /// What makes scores of numbers.
    pub activation: Activation,
    /// Number of classes; `None`: all numbers that follow.
    pub classes: Option<usize>,
    /// A candidate's score is greater.
    pub score_threshold: f32,
    /// What coordinates are multiplied by along x and y.
    pub coordinate_scale: [f32; 2],
}

impl Decoding {
    /// The number of classes in an output of this shape, at least 1; `None` if it has too few
    /// numbers.
    pub fn classes(&self, shape: [usize; 2]) -> Option<usize> {
        let numbers = match self.place_axis {
            PlaceAxis::Last => shape[0],
            PlaceAxis::First => shape[1],
        };
        let there = numbers.checked_sub(self.first_class())?;
        Some(self.classes.unwrap_or(there)).filter(|classes| (1..=there).contains(classes))
    }

    fn first_class(&self) -> usize {
        BOX + usize::from(self.objectness == Objectness::Present)
    }

    /// The candidates of one picture, in the order of their places. `numbers` are of `shape`;
    /// otherwise, or with too few numbers for a class, there are none.
    pub fn candidates(&self, numbers: &[f32], shape: [usize; 2]) -> Vec<Candidate> {
        let (Some(classes), true) =
            (self.classes(shape), shape[0].checked_mul(shape[1]) == Some(numbers.len()))
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        match self.place_axis {
            PlaceAxis::First => {
                for (index, place) in numbers.chunks_exact(shape[1]).enumerate() {
                    let first = self.first_class();
                    if let Some(best) = argmax(&place[first..first + classes]) {
                        found.extend(self.candidate(index, best, |number| place[number]));
                    }
                }
            }
            PlaceAxis::Last => self.read_lines(numbers, shape[1], classes, &mut found),
        }
        found
    }

    /// Reads `[numbers, places]`, a block of places at a time.
    fn read_lines(
        &self,
        numbers: &[f32],
        places: usize,
        classes: usize,
        found: &mut Vec<Candidate>,
    ) {
        let first = self.first_class();
        let (mut best, mut class) = ([0.0; BLOCK], [0_u32; BLOCK]);
        for start in (0..places).step_by(BLOCK) {
            let block = BLOCK.min(places - start);
            best.fill(f32::NEG_INFINITY);
            class.fill(0);
            for (index, line) in
                (0_u32..).zip(numbers.chunks_exact(places).skip(first)).take(classes)
            {
                let line = &line[start..start + block];
                for ((best, class), &number) in best.iter_mut().zip(&mut class).zip(line) {
                    *class = if number > *best { index } else { *class };
                    *best = if number > *best { number } else { *best };
                }
            }
            for (at, (&best, &class)) in best.iter().zip(&class).take(block).enumerate() {
                let place = start + at;
                let class = usize::try_from(class).unwrap_or_default();
                let number = |number: usize| numbers[number * places + place];
                found.extend(self.candidate(place, (class, best), number));
            }
        }
    }

    fn candidate(
        &self,
        index: usize,
        (class, best): (usize, f32),
        number: impl Fn(usize) -> f32,
    ) -> Option<Candidate> {
        // Also if all are NaN. A negative objectness would make it the best of all.
        if best == f32::NEG_INFINITY {
            return None;
        }
        let score = self.activation.apply(best);
        let score = match self.objectness {
            Objectness::Absent => score,
            Objectness::Present => self.activation.apply(number(BOX)) * score,
        };
        if score.is_nan() || score <= self.score_threshold {
            return None;
        }
        let corners = self.box_format.corners(std::array::from_fn(number));
        let [x, y] = self.coordinate_scale;
        let corners = [corners[0] * x, corners[1] * y, corners[2] * x, corners[3] * y];
        let is_finite = corners.iter().all(|place| place.is_finite());
        let class = i32::try_from(class).ok().filter(|_| is_finite)?;
        Some(Candidate { corners, score, class, index })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests;
