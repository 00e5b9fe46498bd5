//! Counts what is allocated, of all threads together: run one target at a time.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Does `work`, which at no time may hold more than `bytes_max` beyond what there was before.
///
/// # Panics
/// When it does.
pub fn bounded<T>(bytes_max: usize, work: impl FnOnce() -> T) -> T {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let made = work();
    let taken = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(taken <= bytes_max, "took {taken} bytes, {bytes_max} would be enough");
    made
}
