//! Keeps long work off tokio's workers: it would hold up the connections that share the thread.

use nereid_backend::error::InferError;

/// What is read and written of this size takes less than a hand-off is worth.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// Does `work` that takes time with `size_bytes` here, or on a thread of its own.
///
/// # Errors
/// The error of `work`; [`InferError::Abandoned`] when it panics.
pub async fn off_worker<T: Send + 'static>(
    size_bytes: usize,
    work: impl FnOnce() -> Result<T, InferError> + Send + 'static,
) -> Result<T, InferError> {
    if size_bytes <= INLINE_BYTES_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(InferError::Abandoned))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn only_long_work_changes_threads() {
        let here = thread::current().id();
        for (size, is_here) in [(0, true), (64 << 10, true), ((64 << 10) + 1, false)] {
            let ran_on = off_worker(size, || Ok(thread::current().id())).await.unwrap();
            assert_eq!(ran_on == here, is_here, "{size}");
        }
        let panicked = off_worker(usize::MAX, || -> Result<(), _> { panic!("of a test") }).await;
        assert!(matches!(panicked, Err(InferError::Abandoned)));
    }
}
