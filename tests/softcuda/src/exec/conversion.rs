//! `cvt`. (PTX ISA, "cvt".)

use super::arithmetic::{signed, unsigned};
use super::float::{bits_f16, bits_f32, f16_of, f32_of, f64_of};
use crate::ptx::{Conversion, Rounding, Type};

/// `width` is the destination's in bytes: what is narrower and has a sign is extended to it.
pub(super) fn convert(conversion: Conversion, width: usize, a: u64) -> u64 {
    let Conversion { to, from, rounding, saturates } = conversion;
    if to.is_float() {
        return if from.is_float() { between_floats(conversion, a) } else { to_float(to, from, a) };
    }
    let value = if from.is_float() {
        to_integer(to, from, round(float(from, a), rounding))
    } else {
        let value =
            if from.is_signed() { signed(a, from).into() } else { unsigned(a, from).into() };
        if saturates { clamp(to, value) } else { value as u64 }
    };
    extend(value, to, width)
}

/// The bits of a value in a register of `width` bytes.
pub(super) fn extend(value: u64, ty: Type, width: usize) -> u64 {
    let wide = if ty.is_signed() { signed(value, ty) as u64 } else { unsigned(value, ty) };
    wide & (u64::MAX >> (64 - 8 * width))
}

fn float(ty: Type, bits: u64) -> f64 {
    match ty {
        Type::F16 => f16_of(bits).into(),
        Type::F32 => f32_of(bits).into(),
        _ => f64_of(bits),
    }
}

fn between_floats(conversion: Conversion, a: u64) -> u64 {
    let mut value = round(float(conversion.from, a), conversion.rounding);
    if conversion.saturates {
        // Neither a NaN nor -0 is left.
        value = if value > 0.0 { value.min(1.0) } else { 0.0 };
    }
    match conversion.to {
        Type::F16 => bits_f16(value as f32), // It came from F32: nothing is rounded here.
        Type::F32 => bits_f32(value as f32),
        _ => value.to_bits(),
    }
}

fn round(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::None | Rounding::Nearest => value,
        Rounding::IntegerNearest => value.round_ties_even(),
        Rounding::IntegerZero => value.trunc(),
        Rounding::IntegerDown => value.floor(),
        Rounding::IntegerUp => value.ceil(),
    }
}

fn to_float(to: Type, from: Type, a: u64) -> u64 {
    match (to, from.is_signed()) {
        (Type::F32, true) => bits_f32(signed(a, from) as f32),
        (Type::F32, false) => bits_f32(unsigned(a, from) as f32),
        (_, true) => (signed(a, from) as f64).to_bits(),
        (_, false) => (unsigned(a, from) as f64).to_bits(),
    }
}

/// Clamped to what the type holds. A NaN is 0, or the highest bit alone where 64 bits are involved.
fn to_integer(to: Type, from: Type, value: f64) -> u64 {
    if value.is_nan() {
        let is_wide = from == Type::F64 || to.size() == 8;
        return if is_wide { 1 << (8 * to.size() - 1) } else { 0 };
    }
    clamp(to, value as i128)
}

fn clamp(to: Type, value: i128) -> u64 {
    let bits = 8 * to.size();
    let (low, high) = if to.is_signed() {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1 << bits) - 1)
    };
    value.clamp(low, high) as u64
}
