//! The caller's `ILogger`, in the layout of the library's major.

use std::ffi::{CStr, CString, c_char, c_void};

use crate::control;
use crate::vtable::Slot;

/// `ILogger::Severity`.
pub(crate) const ERROR: i32 = 1;
pub(crate) const INFO: i32 = 3;

/// What the caller gave; it has to outlive the runtime.
#[derive(Clone, Copy)]
pub(crate) struct Logger(pub(crate) *mut c_void);

// SAFETY: a logger may be called by any thread. (`ILogger`, in `NvInferRuntime.h`.)
unsafe impl Send for Logger {}
// SAFETY: as above.
unsafe impl Sync for Logger {}

#[repr(C)]
struct InterfaceInfo {
    kind: *const c_char,
    major: i32,
    minor: i32,
}

impl Logger {
    fn slot(self, index: usize) -> Slot {
        // SAFETY: it is an object whose table has so many slots.
        unsafe { *(*self.0.cast::<*const Slot>()).add(index) }
    }

    /// 11.x asks a logger what it is.
    pub(crate) fn is_one(self) -> bool {
        if control::major() < 11 {
            return true;
        }
        let method = self.slot(1);
        // SAFETY: in 11.x, the second method is `getInterfaceInfo`.
        let info: InterfaceInfo = unsafe {
            std::mem::transmute::<Slot, extern "C" fn(*mut c_void) -> InterfaceInfo>(method)(self.0)
        };
        // SAFETY: the kind is a string of C.
        let is_logger = unsafe { CStr::from_ptr(info.kind) } == c"ILogger";
        is_logger && (info.major, info.minor) == (1, 0)
    }

    pub(crate) fn log(self, severity: i32, text: &str) {
        let method = self.slot(if control::major() < 11 { 0 } else { 4 });
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: this slot is `log` in this major.
        unsafe {
            let log: extern "C" fn(*mut c_void, i32, *const c_char) = std::mem::transmute(method);
            log(self.0, severity, text.as_ptr());
        }
    }

    /// That a function failed because a test asked for it.
    pub(crate) fn asked_to_fail(self, function: &str) -> bool {
        let fails = control::fails(function);
        if fails {
            self.log(ERROR, &format!("{function} fails, as the test asks"));
        }
        fails
    }
}
