//! Fields of bits. (PTX ISA, "bfi" and "bfe": of position and length the low 8 bits count.)

use super::arithmetic::unsigned;
use crate::ptx::Type;

/// The low `length` bits of `a` in the place of those of `b` from `position` on.
pub(super) fn insert(ty: Type, [a, b, position, length]: [u64; 4]) -> u64 {
    let position = position & 0xff;
    let field = low_bits(length & 0xff).checked_shl(position as u32).unwrap_or(0);
    let value = a.checked_shl(position as u32).unwrap_or(0);
    unsigned(b & !field | value & field, ty)
}

/// The `length` bits of `a` from `position` on; above them the highest of them, if the type has a sign.
pub(super) fn extract(ty: Type, [a, position, length]: [u64; 3]) -> u64 {
    let (position, length, highest) = (position & 0xff, length & 0xff, 8 * ty.size() as u64 - 1);
    if length == 0 {
        return 0;
    }
    let a = unsigned(a, ty);
    let field = a.checked_shr(position as u32).unwrap_or(0) & low_bits(length);
    let sign = a >> highest.min(position + length - 1) & 1;
    let is_negative = ty.is_signed() && sign != 0;
    // Bits that are asked for beyond the highest are copies of it, too.
    let there = length.min((highest + 1).saturating_sub(position));
    unsigned(if is_negative { field | !low_bits(there) } else { field }, ty)
}

fn low_bits(count: u64) -> u64 {
    1_u64.checked_shl(count as u32).map_or(u64::MAX, |bit| bit - 1)
}
