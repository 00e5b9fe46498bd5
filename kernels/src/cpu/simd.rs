//! The widest vectors that the processor has, for loops that the compiler turns into vectors.
//!
//! Wider vectors change the speed and no bit: no operation is fused or reordered.

/// Runs `work` compiled for AVX2 where the processor has it. What is called in `work` must be
/// inlined into it to gain anything.
#[inline]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        #[expect(unsafe_code, reason = "only a check at run time can tell which processor it is")]
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
