//! Greedy non-maximum suppression.
//!
//! Candidates are taken by falling score, of equal scores the one that came first. One is kept
//! unless it overlaps too much with one that was kept before. In single precision, in this order:
//!
//! ```text
//! area  = (right - left) * (bottom - top)                of each of the two
//! w     = max(min(right, right') - max(left, left'), 0)  and h the same with top and bottom
//! iou   = w * h / (area + area' - w * h)
//! gone  if iou > iou_threshold
//! ```
//!
//! which is what `torchvision.ops.nms` computes; or `w * h / min(area, area')`, which also tells a box
//! inside another. Two boxes without area have no overlap (0 / 0).

use super::top_k::descending;

/// A box that may be an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Left, top, right, bottom.
    pub corners: [f32; 4],
    /// How sure it is; not a NaN.
    pub score: f32,
    /// What it is.
    pub class: i32,
    /// Where it came from; decides between equal scores.
    pub index: usize,
}

/// Which boxes suppress each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one class.
    Class,
    /// All.
    All,
}

/// What the area that two boxes share is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// What they cover together: intersection over union.
    Union,
    /// The smaller of them, so that a box inside another overlaps wholly.
    Smaller,
}

/// How candidates are thinned out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Two that overlap more are one object.
    pub iou_threshold: f32,
    /// What the overlap is.
    pub overlap: Overlap,
    /// Which boxes suppress each other.
    pub scope: Scope,
    /// Most candidates that are looked at: those with the highest scores.
    pub candidates_max: usize,
    /// Most that are kept. Time is at most the product of both.
    pub detections_max: usize,
}

/// Those of `candidates` that are kept, by falling score.
pub fn suppress(mut candidates: Vec<Candidate>, how: &Suppression) -> Vec<Candidate> {
    let order = |one: &Candidate, two: &Candidate| {
        descending(one.score, two.score).then_with(|| one.index.cmp(&two.index))
    };
    if how.candidates_max < candidates.len() {
        candidates.select_nth_unstable_by(how.candidates_max, order);
        candidates.truncate(how.candidates_max);
    }
    candidates.sort_unstable_by(order);
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.len() >= how.detections_max {
            break;
        }
        let is_same = |other: &&Candidate| {
            (how.scope == Scope::All || other.class == candidate.class)
                && how.overlap.of(other.corners, candidate.corners) > how.iou_threshold
        };
        if !kept.iter().any(|other| is_same(&other)) {
            kept.push(candidate);
        }
    }
    kept
}

impl Overlap {
    fn of(self, one: [f32; 4], two: [f32; 4]) -> f32 {
        match self {
            Self::Union => iou(one, two),
            Self::Smaller => intersection(one, two) / area(one).min(area(two)),
        }
    }
}

/// Intersection over union; NaN if neither has an area.
pub fn iou(one: [f32; 4], two: [f32; 4]) -> f32 {
    let both = intersection(one, two);
    both / (area(one) + area(two) - both)
}

fn area([left, top, right, bottom]: [f32; 4]) -> f32 {
    (right - left) * (bottom - top)
}

fn intersection(one: [f32; 4], two: [f32; 4]) -> f32 {
    let width = (one[2].min(two[2]) - one[0].max(two[0])).max(0.0);
    let height = (one[3].min(two[3]) - one[1].max(two[1])).max(0.0);
    width * height
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOW: Suppression = Suppression {
        iou_threshold: 0.5,
        overlap: Overlap::Union,
        scope: Scope::Class,
        candidates_max: 100,
        detections_max: 100,
    };

    fn candidates(boxes: &[([f32; 4], f32, i32)]) -> Vec<Candidate> {
        let candidate = |(index, &(corners, score, class)): (usize, &([f32; 4], f32, i32))| {
            Candidate { corners, score, class, index }
        };
        boxes.iter().enumerate().map(candidate).collect()
    }

    fn kept(boxes: &[([f32; 4], f32, i32)], how: Suppression) -> Vec<usize> {
        suppress(candidates(boxes), &how).iter().map(|candidate| candidate.index).collect()
    }

    #[test]
    fn overlaps_by_hand() {
        let unit = [0.0, 0.0, 1.0, 1.0];
        assert_eq!(iou(unit, unit), 1.0);
        assert_eq!(iou(unit, [0.5, 0.0, 1.5, 1.0]), 0.5 / 1.5);
        assert_eq!(iou(unit, [1.0, 0.0, 2.0, 1.0]), 0.0);
        assert!(iou([0.0; 4], [0.0; 4]).is_nan());
    }

    #[test]
    fn the_surest_stays_and_classes_are_apart() {
        let boxes = [
            ([0.0, 0.0, 10.0, 10.0], 0.5, 0),
            ([0.0, 0.0, 10.0, 9.0], 0.9, 0),
            ([0.0, 0.0, 10.0, 10.0], 0.7, 1),
            ([20.0, 0.0, 30.0, 10.0], 0.7, 0),
        ];
        assert_eq!(kept(&boxes, HOW), [1, 2, 3]);
        assert_eq!(kept(&boxes, Suppression { scope: Scope::All, ..HOW }), [1, 3]);
        assert_eq!(kept(&boxes, Suppression { detections_max: 2, ..HOW }), [1, 2]);
        assert_eq!(kept(&boxes, Suppression { candidates_max: 1, ..HOW }), [1]);
        assert_eq!(kept(&boxes, Suppression { iou_threshold: 1.0, ..HOW }), [1, 2, 3, 0]);
        assert_eq!(kept(&[], HOW), [] as [usize; 0]);
    }

    #[test]
    fn a_box_inside_another_is_the_same_object_by_the_smaller_area() {
        let boxes = [
            ([0.0, 0.0, 10.0, 10.0], 0.9, 0),
            ([2.0, 2.0, 4.0, 4.0], 0.8, 0),
            ([9.0, 9.0, 12.0, 12.0], 0.7, 0),
        ];
        assert_eq!(kept(&boxes, HOW), [0, 1, 2]);
        assert_eq!(kept(&boxes, Suppression { overlap: Overlap::Smaller, ..HOW }), [0, 2]);
    }

    /// As the definition says, without a thought for speed: cross out all that each kept one
    /// suppresses, over all candidates.
    fn by_crossing_out(boxes: &[([f32; 4], f32, i32)], how: Suppression) -> Vec<usize> {
        let mut left = candidates(boxes);
        left.sort_by(|one, two| two.score.total_cmp(&one.score));
        left.truncate(how.candidates_max);
        let mut kept = Vec::new();
        while !left.is_empty() && kept.len() < how.detections_max {
            let first = left.remove(0);
            kept.push(first.index);
            left.retain(|other| {
                let is_apart = how.scope == Scope::Class && other.class != first.class;
                is_apart || iou(first.corners, other.corners) <= how.iou_threshold
            });
        }
        kept
    }

    proptest! {
        #[test]
        fn equals_crossing_out(
            boxes in prop::collection::vec(
                ((0_u8..20, 0_u8..20, 1_u8..15, 1_u8..15), 0_u8..20, 0_i32..3),
                0..40,
            ),
            (threshold, is_all, candidates_max, detections_max) in
                (0_u8..10, any::<bool>(), 1_usize..50, 1_usize..50),
        ) {
            let boxes: Vec<_> = boxes.iter().map(|&((x, y, w, h), score, class)| {
                let corners = [x, y, x + w, y + h].map(f32::from);
                (corners, f32::from(score) / 20.0, class)
            }).collect();
            let scope = if is_all { Scope::All } else { Scope::Class };
            let iou_threshold = f32::from(threshold) / 10.0;
            let how =
                Suppression { iou_threshold, scope, candidates_max, detections_max, ..HOW };
            prop_assert_eq!(kept(&boxes, how), by_crossing_out(&boxes, how));
        }
    }
}
