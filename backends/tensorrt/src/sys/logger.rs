//! The `ILogger` that the library is given: its lines go to the server's log.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

use super::object::Slot;
use super::slots::LoggerLayout;

thread_local! {
    /// The last error that the library logged on this thread, on which it logs what its caller did.
    static ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What the library was not content with since this was asked last.
pub(super) fn take_error() -> Option<String> {
    ERROR.with(RefCell::take)
}

/// `IVersionedInterface`'s answer to what it is. (`NvInferRuntimeBase.h`.)
#[repr(C)]
pub(super) struct InterfaceInfo {
    pub(super) kind: *const c_char,
    pub(super) major: i32,
    pub(super) minor: i32,
}

/// `APILanguage::kCPP`, which is also the language of who speaks its ABI.
pub(super) extern "C" fn language(_: *mut c_void) -> i32 {
    0
}

/// The library deletes nothing that it is lent.
pub(super) extern "C" fn keep(_: *mut c_void) {}

extern "C" fn info(_: *mut c_void) -> InterfaceInfo {
    InterfaceInfo { kind: c"ILogger".as_ptr(), major: 1, minor: 0 }
}

/// `ILogger::log`.
extern "C" fn log(_: *mut c_void, severity: i32, text: *const c_char) {
    if text.is_null() {
        return;
    }
    // SAFETY: the library gives a string of C, which is there during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    match severity {
        0 | 1 => {
            ERROR.with(|error| error.replace(Some(text.to_owned())));
            tracing::error!(target: "tensorrt", "{text}");
        }
        2 => tracing::warn!(target: "tensorrt", "{text}"),
        3 => tracing::info!(target: "tensorrt", "{text}"),
        _ => tracing::debug!(target: "tensorrt", "{text}"),
    }
}

/// An object that is its table alone, and as old as the process.
#[repr(C)]
pub(super) struct Logger {
    table: *const Slot,
}

impl Logger {
    /// One that the library of this layout takes.
    pub(super) fn new(layout: LoggerLayout) -> &'static Self {
        let methods: Vec<Slot> = match layout {
            LoggerLayout::Plain => vec![log as Slot, keep as Slot, keep as Slot],
            LoggerLayout::Versioned => {
                vec![language as Slot, info as Slot, keep as Slot, keep as Slot, log as Slot]
            }
        };
        let table = Box::leak(methods.into_boxed_slice()).as_ptr();
        Box::leak(Box::new(Self { table }))
    }

    pub(super) fn pointer(&'static self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }
}

// SAFETY: nothing of it is ever written, and its methods lock what they share.
unsafe impl Sync for Logger {}
