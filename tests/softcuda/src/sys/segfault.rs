//! Says why a process dies that follows a device's address on the host.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const TEXT: &[u8] = b"software CUDA device: the host followed a pointer of the device\n";

static START: AtomicU64 = AtomicU64::new(0);
static SIZE: AtomicU64 = AtomicU64::new(0);
/// What handled the signal before, for example Rust's own for a stack that overflows.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Handles faults in the range from now on.
pub(super) fn explain(start: u64, size: u64) {
    START.store(start, Ordering::Relaxed);
    SIZE.store(size, Ordering::Relaxed);
    // SAFETY: all zeros is a `sigaction`: no flags, no signals blocked.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    let mut before = MaybeUninit::uninit();
    // SAFETY: both point to a `sigaction`, and `handle` has the signature that SA_SIGINFO asks for.
    let result = unsafe { libc::sigaction(libc::SIGSEGV, &raw const action, before.as_mut_ptr()) };
    if result == 0 {
        // SAFETY: the call succeeded, so it was written.
        let before = unsafe { before.assume_init() };
        let _ = BEFORE.set(before);
    }
}

/// Tells, and lets the access be repeated under the handler that was there before.
extern "C" fn handle(_signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the system gives a handler of SA_SIGINFO a valid `siginfo_t`.
    let info = unsafe { &*info };
    // SAFETY: the signal is SIGSEGV, which has an address.
    let address = unsafe { info.si_addr() } as u64;
    if address.wrapping_sub(START.load(Ordering::Relaxed)) < SIZE.load(Ordering::Relaxed) {
        // SAFETY: the text is ours; `write` may be called in a handler.
        unsafe { libc::write(libc::STDERR_FILENO, TEXT.as_ptr().cast(), TEXT.len()) };
    }
    if let Some(before) = BEFORE.get() {
        // SAFETY: it came from `sigaction`, which may be called in a handler.
        unsafe { libc::sigaction(libc::SIGSEGV, before, ptr::null_mut()) };
    }
}
