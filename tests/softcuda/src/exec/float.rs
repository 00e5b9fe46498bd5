//! Floats as the device computes them. (PTX ISA, "Floating-point instructions": NaNs of F32 are one,
//! and -0 is less than 0.)

use half::f16;

/// The only NaN that an operation on F32 gives.
const NAN_F32: u32 = 0x7fff_ffff;
const NAN_F16: u16 = 0x7fff;

pub(super) fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

pub(super) fn f64_of(bits: u64) -> f64 {
    f64::from_bits(bits)
}

pub(super) fn f16_of(bits: u64) -> f32 {
    f16::from_bits(bits as u16).to_f32()
}

pub(super) fn bits_f32(value: f32) -> u64 {
    u64::from(if value.is_nan() { NAN_F32 } else { value.to_bits() })
}

/// To the nearest, ties to even.
pub(super) fn bits_f16(value: f32) -> u64 {
    u64::from(if value.is_nan() { NAN_F16 } else { f16::from_f32(value).to_bits() })
}

/// The number, if one is none.
pub(super) fn min(a: f64, b: f64) -> f64 {
    match () {
        () if a.is_nan() => b,
        () if b.is_nan() => a,
        () if b < a || (b <= a && b.is_sign_negative()) => b,
        () => a,
    }
}

pub(super) fn max(a: f64, b: f64) -> f64 {
    -min(-a, -b)
}
