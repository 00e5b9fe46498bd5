//! What instructions compute. Values are bits; those of a type are the low ones, the others 0.

use std::cmp::Ordering;

use super::fault::{Kind, Trouble};
use super::float::{bits_f32, f32_of, f64_of, max, min};
use crate::ptx::{Atomic, Binary, Comparison, Type, Unary};

/// The low bits that a type has.
pub(super) fn unsigned(value: u64, ty: Type) -> u64 {
    match ty {
        Type::Pred => value & 1,
        _ => value & (u64::MAX >> (64 - 8 * ty.size())),
    }
}

/// The value of a type's bits with sign.
pub(super) fn signed(value: u64, ty: Type) -> i64 {
    let unused = 64 - 8 * ty.size();
    ((value << unused) as i64) >> unused
}

pub(super) fn binary(op: Binary, ty: Type, a: u64, b: u64) -> Result<u64, Trouble> {
    match ty {
        Type::F32 => Ok(float32(op, f32_of(a), f32_of(b))),
        Type::F64 => Ok(float64(op, f64_of(a), f64_of(b))),
        _ => integer(op, ty, a, b),
    }
}

fn float32(op: Binary, a: f32, b: f32) -> u64 {
    bits_f32(match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Div => a / b,
        Binary::Min => min(a.into(), b.into()) as f32,
        Binary::Max => max(a.into(), b.into()) as f32,
        _ => a * b,
    })
}

fn float64(op: Binary, a: f64, b: f64) -> u64 {
    let value = match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Div => a / b,
        Binary::Min => min(a, b),
        Binary::Max => max(a, b),
        _ => a * b,
    };
    value.to_bits()
}

fn integer(op: Binary, ty: Type, a: u64, b: u64) -> Result<u64, Trouble> {
    let bits = 8 * ty.size() as u32;
    let (a, b) = if ty.is_signed() {
        (i128::from(signed(a, ty)), i128::from(signed(b, ty)))
    } else {
        (i128::from(unsigned(a, ty)), i128::from(unsigned(b, ty)))
    };
    if matches!(op, Binary::Div | Binary::Rem) && b == 0 {
        return Err(Kind::DivisionByZero.with(format!("{a} by 0")));
    }
    // A shift by more bits than there are is one by all of them; its count has no sign.
    let shift = u64::from(b as u32).min(u64::from(bits)) as u32;
    let value = match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        // Two unsigned factors of 64 bits need all 128.
        Binary::Mul => (a as u128).wrapping_mul(b as u128) as i128,
        Binary::MulHigh if ty.is_signed() => (a * b) >> bits,
        Binary::MulHigh => ((a as u128).wrapping_mul(b as u128) >> bits) as i128,
        Binary::MulWide => return Ok(((a * b) as u64) & (u64::MAX >> (64 - 2 * bits))),
        Binary::Div => a / b,
        Binary::Rem => a % b,
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::ShiftLeft => a << shift,
        Binary::ShiftRight => a >> shift,
    };
    Ok(unsigned(value as u64, ty))
}

/// A product and a sum; that of `MulWide` is twice as wide as the factors.
pub(super) fn mul_add(op: Binary, ty: Type, [a, b, c]: [u64; 3]) -> Result<u64, Trouble> {
    let product = integer(op, ty, a, b)?;
    match (op, ty.size()) {
        (Binary::MulWide, 2) => integer(Binary::Add, Type::U32, product, c),
        (Binary::MulWide, _) => integer(Binary::Add, Type::U64, product, c),
        _ => integer(Binary::Add, ty, product, c),
    }
}

/// Rounded once.
pub(super) fn fma(ty: Type, [a, b, c]: [u64; 3]) -> u64 {
    if ty == Type::F32 {
        bits_f32(f32_of(a).mul_add(f32_of(b), f32_of(c)))
    } else {
        f64_of(a).mul_add(f64_of(b), f64_of(c)).to_bits()
    }
}

pub(super) fn unary(op: Unary, ty: Type, a: u64) -> u64 {
    match (op, ty) {
        (Unary::Reciprocal, Type::F32) => bits_f32(1.0 / f32_of(a)),
        (Unary::Reciprocal, _) => (1.0 / f64_of(a)).to_bits(),
        (Unary::SquareRoot, Type::F32) => bits_f32(f32_of(a).sqrt()),
        (Unary::SquareRoot, _) => f64_of(a).sqrt().to_bits(),
        (Unary::Neg, Type::F32) => bits_f32(-f32_of(a)),
        (Unary::Neg, Type::F64) => (-f64_of(a)).to_bits(),
        (Unary::Abs, Type::F32) => bits_f32(f32_of(a).abs()),
        (Unary::Abs, Type::F64) => f64_of(a).abs().to_bits(),
        (Unary::Neg, _) => unsigned(signed(a, ty).wrapping_neg() as u64, ty),
        (Unary::Abs, _) => unsigned(signed(a, ty).wrapping_abs() as u64, ty),
        (Unary::Not, _) => unsigned(!a, ty),
        (Unary::CountOnes, _) => unsigned(a, ty).count_ones().into(),
        (Unary::LeadingZeros, _) => {
            u64::from(unsigned(a, ty).leading_zeros()) + 8 * ty.size() as u64 - 64
        }
        (Unary::HighestBit, _) => highest_bit(a, ty).unwrap_or(NO_BIT),
        (Unary::HighestBitShift, _) => {
            highest_bit(a, ty).map_or(NO_BIT, |place| 8 * ty.size() as u64 - 1 - place)
        }
        (Unary::Reverse, _) => unsigned(a, ty).reverse_bits() >> (64 - 8 * ty.size()),
    }
}

/// What is told where no bit is found, in 32 bits.
const NO_BIT: u64 = 0xffff_ffff;

/// Of a negative number, the highest 0.
fn highest_bit(a: u64, ty: Type) -> Option<u64> {
    let bits = if ty.is_signed() && signed(a, ty) < 0 { !a } else { a };
    unsigned(bits, ty).checked_ilog2().map(u64::from)
}

pub(super) fn compare(comparison: Comparison, ty: Type, a: u64, b: u64) -> bool {
    let order = match ty {
        Type::F32 => f32_of(a).partial_cmp(&f32_of(b)),
        Type::F64 => f64_of(a).partial_cmp(&f64_of(b)),
        _ if ty.is_signed() => Some(signed(a, ty).cmp(&signed(b, ty))),
        _ => Some(unsigned(a, ty).cmp(&unsigned(b, ty))),
    };
    let Some(order) = order else {
        return matches!(
            comparison,
            Comparison::NaN
                | Comparison::EqualOrNaN
                | Comparison::NotEqualOrNaN
                | Comparison::LessOrNaN
                | Comparison::LessEqualOrNaN
                | Comparison::GreaterOrNaN
                | Comparison::GreaterEqualOrNaN
        );
    };
    match comparison {
        Comparison::Equal | Comparison::EqualOrNaN => order == Ordering::Equal,
        Comparison::NotEqual | Comparison::NotEqualOrNaN => order != Ordering::Equal,
        Comparison::Less | Comparison::LessOrNaN => order == Ordering::Less,
        Comparison::LessEqual | Comparison::LessEqualOrNaN => order != Ordering::Greater,
        Comparison::Greater | Comparison::GreaterOrNaN => order == Ordering::Greater,
        Comparison::GreaterEqual | Comparison::GreaterEqualOrNaN => order != Ordering::Less,
        Comparison::Number => true,
        Comparison::NaN => false,
    }
}

/// Each nibble of the selector picks a byte of `b:a`, or that byte's sign.
pub(super) fn permute(a: u64, b: u64, selector: u64) -> u64 {
    let bytes = ((b & 0xffff_ffff) << 32 | (a & 0xffff_ffff)).to_le_bytes();
    (0..4).fold(0, |value, place| {
        let pick = (selector >> (4 * place)) & 0xf;
        let byte = bytes[(pick & 7) as usize];
        let byte = match (pick & 8 != 0, byte & 0x80 != 0) {
            (false, _) => byte,
            (true, true) => 0xff,
            (true, false) => 0,
        };
        value | u64::from(byte) << (8 * place)
    })
}

/// What an atomic operation stores.
pub(super) fn atomic(op: Atomic, ty: Type, old: u64, [a, b]: [u64; 2]) -> u64 {
    let a = unsigned(a, ty);
    let is_less = compare(Comparison::Less, ty, old, a);
    match op {
        Atomic::Add => unsigned(old.wrapping_add(a), ty),
        Atomic::Min => {
            if is_less {
                old
            } else {
                a
            }
        }
        Atomic::Max => {
            if is_less {
                a
            } else {
                old
            }
        }
        Atomic::And => old & a,
        Atomic::Or => old | a,
        Atomic::Xor => old ^ a,
        Atomic::Exchange => a,
        Atomic::CompareAndSwap => {
            if old == a {
                unsigned(b, ty)
            } else {
                old
            }
        }
    }
}
