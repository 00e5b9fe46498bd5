//! Eight pixels at a time with AVX2, where the taps of eight lie among eight pixels of the source,
//! as they do whenever a picture does not shrink. The operations are those of one pixel.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_mul_ps, _mm256_permutevar8x32_ps, _mm256_set1_ps,
    _mm256_stream_ps, _mm256_sub_ps,
};

use crate::cpu::stream::Store;

/// Pixels of a block.
const LANES: usize = 8;

/// A row that is resized, and how it is written.
pub(super) struct Row<'a> {
    pub(super) source: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) store: Store,
}

/// The first taps of all whole blocks.
pub(super) struct Blocks(Vec<Block>);

struct Block {
    /// The first tap of the block's first pixel.
    base: usize,
    /// The first tap of each, counted from `base`.
    taps: [i32; LANES],
}

impl Blocks {
    /// For pixels of which these are the first taps; `None` if they are too far apart, or the
    /// processor has no AVX2.
    pub(super) fn new(first: &[usize]) -> Option<Self> {
        let (blocks, _rest) = first.as_chunks::<LANES>();
        let block = |first: &[usize; LANES]| {
            let base = first[0];
            let is_near = first.iter().all(|tap| tap - base < LANES);
            let taps = first.map(|tap| i32::try_from(tap - base).unwrap_or(0));
            is_near.then_some(Block { base, taps })
        };
        if !is_x86_feature_detected!("avx2") {
            return None;
        }
        blocks.iter().map(block).collect::<Option<_>>().map(Self)
    }

    /// Writes `(pixel - mean) * scale` of the pixels of all blocks; returns how many it wrote.
    pub(super) fn read(&self, row: &Row<'_>, out: &mut [f32], normalization: (f32, f32)) -> usize {
        // SAFETY: `new` makes none of these unless the processor has AVX2.
        #[expect(unsafe_code, reason = "only a check at run time can tell which processor it is")]
        unsafe {
            self.read_avx2(row, out, normalization)
        }
    }

    #[target_feature(enable = "avx2")]
    fn read_avx2(&self, row: &Row<'_>, out: &mut [f32], (mean, scale): (f32, f32)) -> usize {
        let (mean, scale) = (_mm256_set1_ps(mean), _mm256_set1_ps(scale));
        let is_aligned = out.as_ptr().addr().is_multiple_of(size_of::<__m256>());
        let store = if is_aligned { row.store } else { Store::Cached };
        let (weights, _) = row.weights.as_chunks::<LANES>();
        let (out, _) = out.as_chunks_mut::<LANES>();
        let mut done = 0;
        for ((block, weights), out) in self.0.iter().zip(weights).zip(out) {
            let near = row.source.get(block.base..).and_then(<[f32]>::first_chunk);
            let Some(near) = near else { break };
            let [first @ .., _]: [f32; LANES + 1] = *near;
            let [_, next @ ..] = *near;
            let taps = bytemuck::cast(block.taps);
            let pick = |near: [f32; LANES]| {
                _mm256_permutevar8x32_ps(bytemuck::cast::<_, __m256>(near), taps)
            };
            let (first, next) = (pick(first), pick(next));
            let step = _mm256_mul_ps(_mm256_sub_ps(next, first), bytemuck::cast(*weights));
            let pixel = _mm256_add_ps(first, step);
            let pixel = _mm256_mul_ps(_mm256_sub_ps(pixel, mean), scale);
            match store {
                Store::Cached => *out = bytemuck::cast(pixel),
                // SAFETY: these are 32 bytes, and aligned, as the first ones are.
                #[expect(unsafe_code, reason = "there is no other way to write past the caches")]
                Store::Streamed => unsafe { _mm256_stream_ps(out.as_mut_ptr(), pixel) },
            }
            done += LANES;
        }
        done
    }
}
