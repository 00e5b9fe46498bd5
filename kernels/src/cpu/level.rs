//! The types that a tensor's elements may have, and how single precision becomes each of them.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::simd::widest;
use super::stream::{Store, stream_f64};

/// A type of elements.
///
/// - `f32`: as it is; `f64`: the same number, which is not more precise;
/// - `f16`: rounded to the nearest, ties to even;
/// - `u8`: rounded to the nearest, ties to even, and clamped to 0 ..= 255; NaN becomes 0.
pub trait Level: Copy {
    /// The element that `level` becomes.
    fn of(level: f32) -> Self;

    /// Has `draw` write a row of single precision, and makes it `out`. Where it pays, `out` is
    /// stored as `store` says. `scratch` is as long as `out`; its contents do not matter.
    fn fill(
        out: &mut [Self],
        store: Store,
        scratch: &mut [f32],
        draw: impl FnOnce(&mut [f32], Store),
    );
}

impl Level for f32 {
    fn of(level: f32) -> Self {
        level
    }

    fn fill(
        out: &mut [Self],
        store: Store,
        _scratch: &mut [f32],
        draw: impl FnOnce(&mut [f32], Store),
    ) {
        draw(out, store);
    }
}

impl Level for f64 {
    fn of(level: f32) -> Self {
        level.into()
    }

    fn fill(
        out: &mut [Self],
        store: Store,
        scratch: &mut [f32],
        draw: impl FnOnce(&mut [f32], Store),
    ) {
        draw(scratch, Store::Cached);
        match store {
            Store::Cached => convert(out, scratch),
            Store::Streamed => stream_f64(out, scratch),
        }
    }
}

impl Level for u8 {
    /// Between 2^23 and 2^24 a float has no fraction, so adding 1.5 * 2^23 rounds as the sum is
    /// rounded, and the last byte is the whole number. The compiler makes vectors of that.
    #[expect(clippy::cast_possible_truncation, reason = "the last byte is asked for")]
    #[expect(clippy::manual_clamp, reason = "`clamp` leaves NaN as it is")]
    #[inline]
    fn of(level: f32) -> Self {
        (level.max(0.0).min(255.0) + 12_582_912.0).to_bits() as Self
    }

    fn fill(out: &mut [Self], _: Store, scratch: &mut [f32], draw: impl FnOnce(&mut [f32], Store)) {
        draw(scratch, Store::Cached);
        convert(out, scratch);
    }
}

impl Level for f16 {
    fn of(level: f32) -> Self {
        Self::from_f32(level)
    }

    fn fill(out: &mut [Self], _: Store, scratch: &mut [f32], draw: impl FnOnce(&mut [f32], Store)) {
        draw(scratch, Store::Cached);
        out.convert_from_f32_slice(scratch);
    }
}

#[inline]
fn convert<T: Level>(out: &mut [T], levels: &[f32]) {
    widest(|| {
        for (out, &level) in out.iter_mut().zip(levels) {
            *out = T::of(level);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_rounded_as_stated() {
        let levels = [-1.0, -0.5, 0.5, 1.5, 2.5, 254.5, 255.5, 1e9, f32::NAN];
        let (mut bytes, mut halves, mut doubles) = ([7; 9], [f16::ONE; 9], [7.0; 9]);
        let draw = |line: &mut [f32], _: Store| line.copy_from_slice(&levels);
        u8::fill(&mut bytes, Store::Cached, &mut [0.0; 9], draw);
        assert_eq!(bytes, [0, 0, 0, 2, 2, 254, 255, 255, 0]);
        f64::fill(&mut doubles, Store::Cached, &mut [0.0; 9], draw);
        assert_eq!(doubles[..8], levels.map(f64::from)[..8]);
        f16::fill(&mut halves, Store::Cached, &mut [0.0; 9], draw);
        assert_eq!(
            halves.map(f16::to_bits)[..8],
            levels.map(|level| f16::from_f32(level).to_bits())[..8]
        );
        // 2049 lies between 2048 and 2050, 2051 between 2050 and 2052.
        let rounded = [2049.0, 2051.0].map(f16::of);
        assert_eq!(rounded, [2048.0, 2052.0].map(f16::from_f32));
    }
}
