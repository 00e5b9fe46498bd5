//! The inverse discrete cosine transform of blocks of 8x8, in whole numbers.
//!
//! C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical Fast 1-D DCT Algorithms with 11
//! Multiplications" (ICASSP 1989): along columns, then along rows, with constants of 13 bits. The
//! results of columns keep two bits of fraction. That is libjpeg's "slow integer" method, and
//! gives its bits for what an encoder can write. For what none can, sums of two coefficients wrap
//! at 16 bits, products at 32, and the results of a pass saturate.

#[cfg(target_arch = "x86_64")]
mod pair;

/// Samples on each side of a block.
pub const BLOCK_SIDE: usize = 8;

/// Coefficients of two blocks, dequantized: row by row, a row of both.
pub type BlockPair = [[[i16; BLOCK_SIDE]; 2]; BLOCK_SIDE];

/// Samples of two blocks: two rows of the first, two of the second, the next two of the first.
pub type SamplePair = [[[[u8; BLOCK_SIDE]; 2]; 2]; BLOCK_SIDE / 2];

/// Bits of the constants' fraction.
const CONSTANT_BITS: u32 = 13;
/// Bits of fraction that the results of columns keep.
const COLUMN_BITS: u32 = 2;
/// What is left of a sum after each pass. Samples are eight times as large after both.
const COLUMN_SHIFT: u32 = CONSTANT_BITS - COLUMN_BITS;
const ROW_SHIFT: u32 = CONSTANT_BITS + COLUMN_BITS + 3;
/// The level of a block without coefficients.
const MIDDLE: i16 = 128;

/// The factors of sums `a * pair.0 + b * pair.1`, times 2^13. `cN` is sqrt(2) * cos(N * pi / 16).
mod factor {
    type Pair = (i16, i16);
    /// Of coefficients 0 and 4.
    pub(super) const SUM: Pair = (8_192, 8_192);
    pub(super) const DIFFERENCE: Pair = (8_192, -8_192);
    /// Of coefficients 2 and 6: (c2, c6) and (c6, -c2).
    pub(super) const EVEN: [Pair; 2] = [(10_703, 4_433), (4_433, -10_704)];
    /// Of the sums 7 + 3 and 5 + 1: what both odd pairs have in common.
    pub(super) const COMMON: [Pair; 2] = [(-6_436, 9_633), (9_633, 6_437)];
    /// Of coefficients 7 and 1.
    pub(super) const OUTER: [Pair; 2] = [(-4_927, -7_373), (-7_373, 4_926)];
    /// Of coefficients 5 and 3.
    pub(super) const INNER: [Pair; 2] = [(-4_176, -20_995), (-20_995, 4_177)];
}

/// The samples of two blocks.
pub fn inverse_dct(blocks: &BlockPair) -> SamplePair {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        #[expect(unsafe_code, reason = "only a check at run time can tell which processor it is")]
        return unsafe { pair::inverse_dct(blocks) };
    }
    plain(blocks)
}

/// The level of all samples of a block that has no coefficient but the first.
pub fn flat_level(first: i16) -> u8 {
    let column = first.saturating_mul(1 << COLUMN_BITS);
    level(((i32::from(column) + 16) >> 5).clamp(-128, 127))
}

/// The twin for every processor.
fn plain(blocks: &BlockPair) -> SamplePair {
    let mut samples = SamplePair::default();
    for block in 0..2 {
        let columns = pass::<COLUMN_SHIFT>(&blocks.map(|rows| rows[block]));
        let rows = transposed(&pass::<ROW_SHIFT>(&transposed(&columns)));
        for (two, rows) in samples.iter_mut().zip(rows.as_chunks::<2>().0) {
            two[block] =
                rows.map(|row| row.map(|level_| level(i32::from(level_).clamp(-128, 127))));
        }
    }
    samples
}

fn level(clamped: i32) -> u8 {
    u8::try_from(clamped + i32::from(MIDDLE)).unwrap_or(0)
}

type Block = [[i16; BLOCK_SIDE]; BLOCK_SIDE];

fn transposed(block: &Block) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| block[x][y]))
}

/// Each column, transformed.
fn pass<const SHIFT: u32>(rows: &Block) -> Block {
    let mut out = Block::default();
    for x in 0..BLOCK_SIDE {
        let column = rows.map(|row| row[x]);
        for (row, value) in out.iter_mut().zip(column_of::<SHIFT>(column)) {
            row[x] = value;
        }
    }
    out
}

fn column_of<const SHIFT: u32>(column: [i16; BLOCK_SIDE]) -> [i16; BLOCK_SIDE] {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = column;
    let sum = |a: i16, b: i16, (fa, fb): (i16, i16)| {
        i32::from(a) * i32::from(fa) + i32::from(b) * i32::from(fb)
    };
    let rounding = 1 << (SHIFT - 1);
    let near = sum(c0, c4, factor::SUM).wrapping_add(rounding);
    let far = sum(c0, c4, factor::DIFFERENCE).wrapping_add(rounding);
    let [e0, e1] = factor::EVEN.map(|pair| sum(c2, c6, pair));
    let even =
        [near.wrapping_add(e0), far.wrapping_add(e1), far.wrapping_sub(e1), near.wrapping_sub(e0)];
    let (z3, z4) = (c7.wrapping_add(c3), c5.wrapping_add(c1));
    let [z3, z4] = factor::COMMON.map(|pair| sum(z3, z4, pair));
    let [t0, t3] = factor::OUTER.map(|pair| sum(c7, c1, pair));
    let [t1, t2] = factor::INNER.map(|pair| sum(c5, c3, pair));
    let odd = [t3.wrapping_add(z4), t2.wrapping_add(z3), t1.wrapping_add(z4), t0.wrapping_add(z3)];
    std::array::from_fn(|index| {
        let whole = match index {
            0..4 => even[index].wrapping_add(odd[index]),
            _ => even[7 - index].wrapping_sub(odd[7 - index]),
        };
        let descaled = (whole >> SHIFT).clamp(i16::MIN.into(), i16::MAX.into());
        i16::try_from(descaled).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests;
