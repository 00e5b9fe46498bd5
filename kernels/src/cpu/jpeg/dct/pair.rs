//! Two blocks at a time with AVX2, one in each half of a vector. The operations are those of one.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_madd_epi16, _mm256_packs_epi16,
    _mm256_packs_epi32, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_srai_epi32, _mm256_sub_epi32,
    _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi16,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::{BLOCK_SIDE, BlockPair, COLUMN_SHIFT, ROW_SHIFT, SamplePair, factor};

/// A row of both blocks in each vector.
type Rows = [__m256i; BLOCK_SIDE];

#[target_feature(enable = "avx2")]
pub(super) fn inverse_dct(blocks: &BlockPair) -> SamplePair {
    let columns = pass::<{ COLUMN_SHIFT.cast_signed() }>(blocks.map(bytemuck::cast));
    let rows = transposed(pass::<{ ROW_SHIFT.cast_signed() }>(transposed(columns)));
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    // From -128..=127 to 0..=255.
    let middle = _mm256_set1_epi8(i8::MIN);
    let samples =
        |above, below| bytemuck::cast(_mm256_xor_si256(_mm256_packs_epi16(above, below), middle));
    [samples(r0, r1), samples(r2, r3), samples(r4, r5), samples(r6, r7)]
}

/// Sums of two products, of the lower and of the upper four columns.
#[derive(Clone, Copy)]
struct Sums {
    lower: __m256i,
    upper: __m256i,
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn plus(self, other: Self) -> Self {
        Self {
            lower: _mm256_add_epi32(self.lower, other.lower),
            upper: _mm256_add_epi32(self.upper, other.upper),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn minus(self, other: Self) -> Self {
        Self {
            lower: _mm256_sub_epi32(self.lower, other.lower),
            upper: _mm256_sub_epi32(self.upper, other.upper),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn descaled<const SHIFT: i32>(self) -> __m256i {
        _mm256_packs_epi32(
            _mm256_srai_epi32::<SHIFT>(self.lower),
            _mm256_srai_epi32::<SHIFT>(self.upper),
        )
    }
}

/// Two rows as pairs, to be multiplied.
#[derive(Clone, Copy)]
struct Pairs {
    lower: __m256i,
    upper: __m256i,
}

impl Pairs {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn of(first: __m256i, second: __m256i) -> Self {
        Self {
            lower: _mm256_unpacklo_epi16(first, second),
            upper: _mm256_unpackhi_epi16(first, second),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn times(self, (first, second): (i16, i16)) -> Sums {
        let factors = _mm256_set1_epi32(bytemuck::cast([first, second]));
        Sums {
            lower: _mm256_madd_epi16(self.lower, factors),
            upper: _mm256_madd_epi16(self.upper, factors),
        }
    }
}

/// Each column, transformed.
#[inline]
#[target_feature(enable = "avx2")]
fn pass<const SHIFT: i32>([c0, c1, c2, c3, c4, c5, c6, c7]: Rows) -> Rows {
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    let rounding = Sums { lower: half, upper: half };
    let first = Pairs::of(c0, c4);
    let near = first.times(factor::SUM).plus(rounding);
    let far = first.times(factor::DIFFERENCE).plus(rounding);
    let second = Pairs::of(c2, c6);
    let (e0, e1) = (second.times(factor::EVEN[0]), second.times(factor::EVEN[1]));
    let even = [near.plus(e0), far.plus(e1), far.minus(e1), near.minus(e0)];
    let common = Pairs::of(_mm256_add_epi16(c7, c3), _mm256_add_epi16(c5, c1));
    let (z3, z4) = (common.times(factor::COMMON[0]), common.times(factor::COMMON[1]));
    let (outer, inner) = (Pairs::of(c7, c1), Pairs::of(c5, c3));
    let odd = [
        outer.times(factor::OUTER[1]).plus(z4),
        inner.times(factor::INNER[1]).plus(z3),
        inner.times(factor::INNER[0]).plus(z4),
        outer.times(factor::OUTER[0]).plus(z3),
    ];
    [
        even[0].plus(odd[0]).descaled::<SHIFT>(),
        even[1].plus(odd[1]).descaled::<SHIFT>(),
        even[2].plus(odd[2]).descaled::<SHIFT>(),
        even[3].plus(odd[3]).descaled::<SHIFT>(),
        even[3].minus(odd[3]).descaled::<SHIFT>(),
        even[2].minus(odd[2]).descaled::<SHIFT>(),
        even[1].minus(odd[1]).descaled::<SHIFT>(),
        even[0].minus(odd[0]).descaled::<SHIFT>(),
    ]
}

/// Rows and columns of each block change places.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed([r0, r1, r2, r3, r4, r5, r6, r7]: Rows) -> Rows {
    let words =
        |above, below| (_mm256_unpacklo_epi16(above, below), _mm256_unpackhi_epi16(above, below));
    let ((a0, a1), (a2, a3)) = (words(r0, r1), words(r2, r3));
    let ((a4, a5), (a6, a7)) = (words(r4, r5), words(r6, r7));
    let doubles =
        |above, below| (_mm256_unpacklo_epi32(above, below), _mm256_unpackhi_epi32(above, below));
    let ((b0, b1), (b2, b3)) = (doubles(a0, a2), doubles(a1, a3));
    let ((b4, b5), (b6, b7)) = (doubles(a4, a6), doubles(a5, a7));
    let quads =
        |above, below| (_mm256_unpacklo_epi64(above, below), _mm256_unpackhi_epi64(above, below));
    let ((c0, c1), (c2, c3)) = (quads(b0, b4), quads(b1, b5));
    let ((c4, c5), (c6, c7)) = (quads(b2, b6), quads(b3, b7));
    [c0, c1, c2, c3, c4, c5, c6, c7]
}
