//! The largest numbers along an axis and where they are, the largest first. Of equal ones the first
//! comes first, and what is not a number comes last.

use std::cmp::Ordering;

use super::argmax::argmax;
use super::axes::AxisView;

/// The largest numbers of each line across the axis, as the tensor that has `k` instead of the
/// axis' length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopK {
    /// The numbers.
    pub values: Vec<f32>,
    /// Their positions along the axis.
    pub indices: Vec<usize>,
}

/// The `k` largest of `numbers` along the axis that `view` names, which is at least so long;
/// otherwise all of them.
pub fn top_k(numbers: &[f32], view: AxisView, k: usize) -> TopK {
    let k = k.min(view.length);
    let mut top = TopK {
        values: vec![0.0; view.outer * k * view.inner],
        indices: vec![0; view.outer * k * view.inner],
    };
    let (mut line, mut order) = (Vec::with_capacity(view.length), Vec::new());
    for (outer, block) in view.blocks(numbers).enumerate() {
        for inner in 0..view.inner {
            line.clear();
            line.extend(block.iter().skip(inner).step_by(view.inner));
            largest(&line, k, &mut order);
            for (rank, &index) in order.iter().enumerate() {
                let at = (outer * k + rank) * view.inner + inner;
                (top.values[at], top.indices[at]) = (line[index], index);
            }
        }
    }
    top
}

/// The positions of the `k` largest of `line`, in order.
fn largest(line: &[f32], k: usize, order: &mut Vec<usize>) {
    order.clear();
    if k == 1 {
        // All NaN: the first is as good as any.
        order.push(argmax(line).map_or(0, |(index, _)| index));
        return;
    }
    order.extend(0..line.len());
    let compare =
        |one: &usize, two: &usize| descending(line[*one], line[*two]).then_with(|| one.cmp(two));
    if k < order.len() {
        order.select_nth_unstable_by(k, compare);
        order.truncate(k);
    }
    order.sort_unstable_by(compare);
}

/// The larger first, NaN last.
pub(super) fn descending(one: f32, two: f32) -> Ordering {
    two.partial_cmp(&one).unwrap_or_else(|| one.is_nan().cmp(&two.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_nans_and_ends() {
        let nan = f32::NAN;
        let check = |numbers: &[f32], k, expected: &[usize]| {
            let view = AxisView { outer: 1, length: numbers.len(), inner: 1 };
            assert_eq!(top_k(numbers, view, k).indices, expected, "{numbers:?}");
        };
        check(&[1.0, 3.0, 3.0, 2.0], 3, &[1, 2, 3]);
        check(&[1.0, 3.0, 3.0, 2.0], 1, &[1]);
        check(&[nan, 1.0, nan, 2.0], 4, &[3, 1, 0, 2]);
        check(&[nan, nan], 1, &[0]);
        check(&[-0.0, 0.0], 2, &[0, 1]);
        check(&[f32::NEG_INFINITY, f32::INFINITY], 2, &[1, 0]);
        check(&[5.0], 7, &[0]);
        check(&[], 2, &[]);
    }

    proptest! {
        #[test]
        fn is_the_head_of_a_stable_sort(
            numbers in prop::collection::vec(prop_oneof![(-3_i8..3).prop_map(f32::from), Just(f32::NAN)], 24),
            from_end in 1_usize..4,
            k in 1_usize..5,
        ) {
            let view = AxisView::of(&[2, 3, 4], from_end).unwrap();
            let k = k.min(view.length);
            let top = top_k(&numbers, view, k);
            for outer in 0..view.outer {
                for inner in 0..view.inner {
                    let value = |i: usize| numbers[(outer * view.length + i) * view.inner + inner];
                    let mut all: Vec<_> = (0..view.length).collect();
                    all.sort_by(|&one, &two| descending(value(one), value(two)));
                    for (rank, &index) in all[..k].iter().enumerate() {
                        let at = (outer * k + rank) * view.inner + inner;
                        prop_assert_eq!(top.indices[at], index);
                        prop_assert_eq!(top.values[at].to_bits(), value(index).to_bits());
                    }
                }
            }
        }
    }
}
