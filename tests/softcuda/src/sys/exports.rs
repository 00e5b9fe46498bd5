//! Addresses of this library's own functions, by name.

use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// The library as the loader knows it, or 0.
static LIBRARY: OnceLock<usize> = OnceLock::new();

/// The address of an exported function.
pub(crate) fn exported(name: &str) -> Option<usize> {
    let name = CString::new(name).ok()?;
    let library = *LIBRARY.get_or_init(open) as *mut c_void;
    if library.is_null() {
        return None;
    }
    // SAFETY: the library is open, for good, and the name ends with a 0.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!address.is_null()).then_some(address as usize)
}

fn open() -> usize {
    let mut found = MaybeUninit::<libc::Dl_info>::uninit();
    let here = (open as *const ()).cast::<c_void>();
    // SAFETY: the address is of this library's code, and the result has room.
    if unsafe { libc::dladdr(here, found.as_mut_ptr()) } == 0 {
        return 0;
    }
    // SAFETY: the call succeeded, so it was written.
    let found = unsafe { found.assume_init() };
    // SAFETY: the loader gives the name that it has the library by; nothing is loaded anew.
    unsafe { libc::dlopen(found.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD) as usize }
}
