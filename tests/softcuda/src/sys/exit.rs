//! What is done when the process ends in order.

/// Lets it be called then; not if a signal ends the process.
pub(crate) fn at_exit(call: extern "C" fn()) {
    // SAFETY: the function is this library's, which is never unloaded, and it unwinds nowhere: a panic
    // in it aborts.
    unsafe { libc::atexit(call) };
}
