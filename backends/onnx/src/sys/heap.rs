//! The C library's heap, which ONNX Runtime takes all its memory from, whatever Rust uses.
//!
//! glibc keeps what is freed, in an arena for each few threads. After a model is unloaded, that may
//! be all of its weights. Trimming gives back all but the top of each arena other than the first,
//! which glibc bounds by 64 MB and the next load takes first. Other C libraries have no such
//! settings.

/// Arenas of the process: each may keep what it once held.
#[cfg(target_env = "gnu")]
const ARENAS_MAX: libc::c_int = 2;

/// Bounds the number of arenas, for threads that have none yet.
pub(crate) fn limit_arenas() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes any number, and a lock of its own.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS_MAX);
    }
}

/// Gives what is free back to the system when it is dropped: the last field of what owns much.
pub(crate) struct TrimOnDrop;

impl Drop for TrimOnDrop {
    fn drop(&mut self) {
        #[cfg(target_env = "gnu")]
        // SAFETY: it may be called at any time, by any thread.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
