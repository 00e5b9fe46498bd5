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
use super::simd::widest;

/// Sums that run side by side: a multiple of every vector's width, and the threads of a warp.
const LANES: usize = 32;

/// Columns that are added up together, so that their sums stay in the first cache.
const COLUMNS: usize = 128;

/// Lines that are shorter lose by the widest vectors.
const WIDE: usize = 8;

/// Softmax of `numbers` along the axis that `view` names.
pub fn softmax(numbers: &[f32], view: AxisView) -> Vec<f32> {
    let mut out = vec![0.0; numbers.len()];
    let lines = view.blocks(numbers).zip(out.chunks_exact_mut(view.block().max(1)));
    if view.inner == 1 {
        lines.for_each(|(line, out)| widest(|| of_line(line, out)));
    } else {
        let mut columns = Columns::new(view);
        lines.for_each(|(block, out)| columns.softmax(block, out));
    }
    out
}

#[inline]
fn of_line(line: &[f32], out: &mut [f32]) {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for numbers in line.chunks(LANES) {
        lanes.iter_mut().zip(numbers).for_each(|(max, &x)| *max = larger(*max, x));
    }
    let max = lanes.into_iter().fold(f32::NEG_INFINITY, larger);
    out.iter_mut().zip(line).for_each(|(e, &x)| *e = exp(x - max));
    let mut sums = [0.0; LANES];
    for numbers in out.chunks(LANES) {
        sums.iter_mut().zip(numbers).for_each(|(sum, &e)| *sum += e);
    }
    halve(&mut sums, 1);
    for e in out {
        *e /= sums[0];
    }
}

/// Several lines side by side.
struct Columns {
    inner: usize,
    /// Sums that are not empty.
    lanes: usize,
    max: Vec<f32>,
    sum: Vec<f32>,
    partial: Vec<f32>,
}

impl Columns {
    fn new(view: AxisView) -> Self {
        let (inner, lanes) = (view.inner, view.length.next_power_of_two().min(LANES));
        let partial = vec![0.0; lanes * inner.min(COLUMNS)];
        Self { inner, lanes, max: vec![0.0; inner], sum: vec![0.0; inner], partial }
    }

    fn softmax(&mut self, block: &[f32], out: &mut [f32]) {
        self.max.fill(f32::NEG_INFINITY);
        for line in block.chunks_exact(self.inner) {
            self.max.iter_mut().zip(line).for_each(|(max, &x)| *max = larger(*max, x));
        }
        let lines = block.chunks_exact(self.inner).zip(out.chunks_exact_mut(self.inner));
        let work = || lines.for_each(|(line, out)| exponentials(line, &self.max, out));
        if self.inner < WIDE {
            work();
        } else {
            widest(work);
        }
        self.add_up(out);
        for line in out.chunks_exact_mut(self.inner) {
            line.iter_mut().zip(&self.sum).for_each(|(e, &sum)| *e /= sum);
        }
    }

    fn add_up(&mut self, block: &[f32]) {
        for start in (0..self.inner).step_by(COLUMNS) {
            let width = COLUMNS.min(self.inner - start);
            let partial = &mut self.partial[..self.lanes * width];
            partial.fill(0.0);
            for (i, line) in block.chunks_exact(self.inner).enumerate() {
                let sums = &mut partial[i % LANES * width..][..width];
                sums.iter_mut().zip(&line[start..]).for_each(|(sum, &e)| *sum += e);
            }
            halve(partial, width);
            self.sum[start..start + width].copy_from_slice(&partial[..width]);
        }
    }
}

#[inline]
fn exponentials(line: &[f32], max: &[f32], out: &mut [f32]) {
    for ((e, &x), &max) in out.iter_mut().zip(line).zip(max) {
        *e = exp(x - max);
    }
}

/// Adds lines of `width` sums, a power of two of them, by halves, and leaves the first one.
#[inline]
fn halve(sums: &mut [f32], width: usize) {
    let mut left = sums.len() / 2;
    while left >= width {
        let (front, back) = sums.split_at_mut(left);
        front.iter_mut().zip(back).for_each(|(sum, other)| *sum += *other);
        left /= 2;
    }
}

#[inline]
fn larger(max: f32, x: f32) -> f32 {
    if x > max { x } else { max }
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
