//! Softmax along an axis:
//!
//! ```text
//! m   = max(x)                NaNs skipped
//! e_i = exp(x_i - m)          the exponential of `exp.rs`
//! y_i = e_i / (e_0 + e_1 + …) added in the order of the axis
//! ```
//!
//! A NaN, a positive infinity, or nothing but negative infinities along the axis make all of its
//! results NaN, as the formula says.

use super::axes::AxisView;
use super::exp::exp;

/// Softmax of `numbers` along the axis that `view` names.
pub fn softmax(numbers: &[f32], view: AxisView) -> Vec<f32> {
    let mut out = Vec::with_capacity(numbers.len());
    let (mut max, mut sum) = (vec![0.0; view.inner], vec![0.0; view.inner]);
    for block in view.blocks(numbers) {
        max.fill(f32::NEG_INFINITY);
        sum.fill(0.0);
        for line in block.chunks_exact(view.inner) {
            for (max, &x) in max.iter_mut().zip(line) {
                *max = if x > *max { x } else { *max };
            }
        }
        let start = out.len();
        for line in block.chunks_exact(view.inner) {
            out.extend(line.iter().zip(&max).map(|(&x, &max)| exp(x - max)));
        }
        for line in out[start..].chunks_exact(view.inner) {
            sum.iter_mut().zip(line).for_each(|(sum, &e)| *sum += e);
        }
        for line in out[start..].chunks_exact_mut(view.inner) {
            line.iter_mut().zip(&sum).for_each(|(e, &sum)| *e /= sum);
        }
    }
    out
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
