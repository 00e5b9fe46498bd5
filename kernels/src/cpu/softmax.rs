//! Softmax along an axis:
//!
//! ```text
//! m   = max(x)                NaNs skipped
//! e_i = exp(x_i - m)          the exponential of `exp.rs`
//! s_k = ((0 + e_k) + e_(k + 32)) + e_(k + 64) + …        for k of 0 to 31
//! s_k = s_k + s_(k + 16) for k below 16, then s_k + s_(k + 8) for k below 8, and so on to s_0
//! y_i = e_i / s_0
//! ```
//!
//! That order of the sum is one that a vector unit and the 32 threads of a device's warp can both have.
//!
//! A NaN, a positive infinity, or nothing but negative infinities along the axis make all of its
//! results NaN, as the formula says.

use super::axes::AxisView;
use super::exp::exp;

/// Sums that run side by side: a multiple of every vector's width, and the threads of a warp.
const LANES: usize = 32;

/// Softmax of `numbers` along the axis that `view` names.
pub fn softmax(numbers: &[f32], view: AxisView) -> Vec<f32> {
    let mut out = Vec::with_capacity(numbers.len());
    let (mut max, mut sums) = (vec![0.0; view.inner], vec![0.0; LANES * view.inner]);
    for block in view.blocks(numbers) {
        max.fill(f32::NEG_INFINITY);
        for line in block.chunks_exact(view.inner) {
            for (max, &x) in max.iter_mut().zip(line) {
                *max = if x > *max { x } else { *max };
            }
        }
        let start = out.len();
        for line in block.chunks_exact(view.inner) {
            out.extend(line.iter().zip(&max).map(|(&x, &max)| exp(x - max)));
        }
        let block = &mut out[start..];
        add_up(block, &mut sums);
        for line in block.chunks_exact_mut(view.inner) {
            line.iter_mut().zip(&sums).for_each(|(e, &sum)| *e /= sum);
        }
    }
    out
}

/// Leaves the sum of each column of `block` at the front of `sums`, which is [`LANES`] lines long.
fn add_up(block: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for lines in block.chunks(sums.len()) {
        sums.iter_mut().zip(lines).for_each(|(sum, &e)| *sum += e);
    }
    for halved in 1..=LANES.ilog2() {
        let (front, back) = sums.split_at_mut(sums.len() >> halved);
        front.iter_mut().zip(back).for_each(|(sum, other)| *sum += *other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let check = |numbers: &[f32], shape: &[usize], from_end, expected: &[f32]| {
            let got = softmax(numbers, AxisView::of(shape, from_end).unwrap());
            let bits =
                |numbers: &[f32]| -> Vec<_> { numbers.iter().map(|x| x.to_bits()).collect() };
            assert_eq!(bits(&got), bits(expected), "{numbers:?}");
        };
        check(&[1.0, 1.0, 5.0, 5.0], &[2, 2], 1, &[0.5; 4]);
        check(&[1.0, 5.0, 1.0, 5.0], &[2, 2], 2, &[0.5; 4]);
        check(&[7.0], &[1], 1, &[1.0]);
        check(&[f32::NEG_INFINITY, 0.0], &[2], 1, &[0.0, 1.0]);
        check(&[], &[0, 3], 1, &[]);
        check(&[], &[3, 0], 1, &[]);
        check(&[], &[3, 0], 2, &[]);
        for odd in [f32::NAN, f32::INFINITY] {
            let got = softmax(&[odd, 1.0, 2.0], AxisView::of(&[3], 1).unwrap());
            assert!(got.iter().all(|x| x.is_nan()), "{got:?}");
        }
    }

    #[test]
    fn sums_are_added_in_the_stated_order() {
        let numbers: Vec<_> = (0..75_u8).map(|i| (f32::from(i) * 0.7).sin() * 4.0).collect();
        let max = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sums = [0.0_f32; LANES];
        for (i, x) in numbers.iter().enumerate() {
            sums[i % LANES] += exp(x - max);
        }
        for apart in [16, 8, 4, 2, 1] {
            for k in 0..apart {
                sums[k] += sums[k + apart];
            }
        }
        let expected: Vec<_> = numbers.iter().map(|x| exp(x - max) / sums[0]).collect();
        let of =
            |shape: &[usize], from_end| softmax(&numbers, AxisView::of(shape, from_end).unwrap());
        assert_eq!(of(&[75], 1), expected);
        assert_eq!(of(&[75, 1], 2), expected);
        let thrice: Vec<_> = numbers.iter().flat_map(|&x| [x; 3]).collect();
        let got = softmax(&thrice, AxisView::of(&[75, 3], 2).unwrap());
        assert_eq!(got, expected.iter().flat_map(|&x| [x; 3]).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn is_close_to_double_precision(
            numbers in prop::collection::vec(-50.0_f32..50.0, 24),
            from_end in 1_usize..4,
        ) {
            let view = AxisView::of(&[2, 3, 4], from_end).unwrap();
            let got = softmax(&numbers, view);
            for outer in 0..view.outer {
                for inner in 0..view.inner {
                    let at = |k: usize| (outer * view.length + k) * view.inner + inner;
                    let exact = |k| f64::from(numbers[at(k)]).exp();
                    let sum: f64 = (0..view.length).map(exact).sum();
                    for k in 0..view.length {
                        let difference = (f64::from(got[at(k)]) - exact(k) / sum).abs();
                        prop_assert!(difference < 1e-6, "{} not {}", got[at(k)], exact(k) / sum);
                    }
                }
            }
        }
    }
}
