//! Writing past the caches.
//!
//! A large tensor does not fit the caches, so to write it as usual reads every line of it from
//! memory first, and drives out what others have there. Measured with a reader behind it, on
//! 25 MB: 6.7 ms instead of 8.7 ms when the memory was last used by others, 6.9 ms instead of
//! 6.5 ms when it was still cached.

/// Tensors of fewer bytes are written as usual: whoever reads them finds them in the cache.
const STREAMED_BYTES_MIN: usize = 8 << 20;

/// How a tensor is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// By way of the caches.
    Cached,
    /// Past them, where the processor can.
    Streamed,
}

impl Store {
    /// For a tensor of this size.
    pub(super) fn of(size_bytes: usize) -> Self {
        if size_bytes < STREAMED_BYTES_MIN || !can_stream() { Self::Cached } else { Self::Streamed }
    }

    /// To be called when all is written, so that other threads see it before they see what comes
    /// after this.
    pub(super) fn finish(self) {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Streamed {
            // SAFETY: every processor of this kind has SSE.
            #[expect(unsafe_code, reason = "there is no other fence for what was streamed")]
            unsafe {
                std::arch::x86_64::_mm_sfence();
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn can_stream() -> bool {
    is_x86_feature_detected!("avx")
}

#[cfg(not(target_arch = "x86_64"))]
fn can_stream() -> bool {
    false
}

/// Writes `levels` to `out`, which is as long.
pub(super) fn stream_f64(out: &mut [f64], levels: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    if can_stream() {
        // SAFETY: the processor has AVX.
        #[expect(unsafe_code, reason = "only a check at run time can tell which processor it is")]
        return unsafe { x86::stream_f64(out, levels) };
    }
    for (out, &level) in out.iter_mut().zip(levels) {
        *out = level.into();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m128, _mm256_cvtps_pd, _mm256_stream_pd};

    /// Bytes of a vector, at multiples of which it is written.
    const VECTOR_BYTES: usize = 32;

    #[target_feature(enable = "avx")]
    pub(super) fn stream_f64(out: &mut [f64], levels: &[f32]) {
        let head = out.as_ptr().align_offset(VECTOR_BYTES).min(out.len());
        let (first, rest) = out.split_at_mut(head);
        let (vectors, last) = rest.as_chunks_mut::<4>();
        let (first_levels, levels) = levels.split_at(head);
        let (levels, last_levels) = levels.as_chunks::<4>();
        for (vector, levels) in vectors.iter_mut().zip(levels) {
            let doubles = _mm256_cvtps_pd(bytemuck::cast::<_, __m128>(*levels));
            // SAFETY: a vector is 32 bytes, and aligned, as those before it are.
            #[expect(unsafe_code, reason = "there is no other way to write past the caches")]
            unsafe {
                _mm256_stream_pd(vector.as_mut_ptr(), doubles);
            }
        }
        let ends = first.iter_mut().chain(last).zip(first_levels.iter().chain(last_levels));
        for (out, &level) in ends {
            *out = level.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_streamed_arrives() {
        let levels: Vec<f32> = (0..67_u16).map(f32::from).collect();
        for start in 0..9 {
            for length in [0, 1, 3, 8, 9, 31, 58] {
                let part = &levels[start..start + length];
                let mut doubles = [-1.0; 67];
                stream_f64(&mut doubles[start..start + length], part);
                let expected = |at: usize| {
                    let is_inside = (start..start + length).contains(&at);
                    if is_inside { levels[at] } else { -1.0 }
                };
                assert_eq!(
                    doubles.map(f64::to_bits),
                    std::array::from_fn(|at| f64::from(expected(at)).to_bits())
                );
            }
        }
    }

    #[test]
    fn small_tensors_stay_in_the_cache() {
        assert_eq!(Store::of(STREAMED_BYTES_MIN - 1), Store::Cached);
        assert_eq!(Store::of(STREAMED_BYTES_MIN) == Store::Streamed, can_stream());
    }
}
