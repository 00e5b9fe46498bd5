//! The exponential and what is made of it, from additions, multiplications and bits alone.
//!
//! `libm` differs from one machine to the next, and a GPU has another one again. This one is plain
//! IEEE single precision, so a device gives the same bits:
//!
//! ```text
//! n = round(x * log2(e))                       to the nearest, ties to even
//! r = (x - n * LN2_HIGH) - n * LN2_LOW         |r| <= ln(2) / 2
//! p = 1 + r * (1 + r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))))
//! exp(x) = p * 2^(n / 2) * 2^(n - n / 2)
//! ```
//!
//! The constants are the Taylor coefficients 1/2 to 1/5040, which on this interval are off by less
//! than the last bit; `LN2_HIGH` has so few bits that its product with `n` is exact.

const LOG2_E: f32 = std::f32::consts::LOG2_E;
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
const COEFFICIENTS: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];

/// Added and taken off again, it leaves a number of less than 2^22 rounded to a whole one, which
/// then also stands in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0; // 1.5 * 2^23

/// Below, the result is less than half of the least number above 0; above, it is infinite.
const LOW: f32 = -104.0;
const HIGH: f32 = 89.0;

/// `e^x`, within two units of the last place; subnormal results are rounded once more. NaN stays
/// NaN, negative infinity becomes 0, and positive infinity stays.
#[inline]
pub fn exp(x: f32) -> f32 {
    // Written so that a NaN passes.
    let clamped = if x < LOW { LOW } else { x };
    let clamped = if clamped > HIGH { HIGH } else { clamped };
    let shifted = clamped * LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let rest = (clamped - whole * LN2_HIGH) - whole * LN2_LOW;
    let [c7, c6, c5, c4, c3, c2] = COEFFICIENTS;
    let p = c2 + rest * (c3 + rest * (c4 + rest * (c5 + rest * (c6 + rest * c7))));
    let p = 1.0 + rest * (1.0 + rest * p);
    // Of a NaN any exponent will do.
    let n = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).cast_signed();
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `1 / (1 + exp(-x))`. NaN stays NaN.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `2^n` for `n` of -126 to 127.
#[inline]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127).cast_unsigned()) << 23)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;

    /// How many floats lie between both, which are not negative.
    fn apart(one: f32, two: f32) -> u32 {
        one.to_bits().abs_diff(two.to_bits())
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "the reference is rounded to a float")]
    fn is_within_two_units_of_the_exact_one() {
        let mut x = -87.0_f32;
        while x < 88.7 {
            let exact = f64::from(x).exp() as f32;
            assert!(apart(exp(x), exact) <= 2, "exp({x}) = {}, not {exact}", exp(x));
            x += 0.001_3;
        }
    }

    #[test]
    fn ends_are_what_they_should_be() {
        let cases = [(0.0, 1.0), (-0.0, 1.0), (f32::NEG_INFINITY, 0.0), (-104.0, 0.0)];
        for (x, expected) in cases {
            assert_eq!(exp(x).to_bits(), f32::to_bits(expected), "{x}");
        }
        for x in [89.0, 1e30, f32::INFINITY] {
            assert_eq!(exp(x), f32::INFINITY, "{x}");
        }
        assert!(exp(f32::NAN).is_nan() && exp(-f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        // A subnormal: e^-100 is 3.78e-44.
        assert!(exp(-100.0) > 3.6e-44 && exp(-100.0) < 4.0e-44);
        assert_eq!([f32::NEG_INFINITY, 0.0, f32::INFINITY].map(sigmoid), [0.0, 0.5, 1.0]);
    }
}
