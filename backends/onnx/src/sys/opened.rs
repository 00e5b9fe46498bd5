//! Finds out whether a file is a library of ONNX Runtime that fits.

use std::error::Error;
use std::ffi::CStr;
use std::path::Path;

use libloading::Library;
use ort::sys::OrtApiBase;

/// Tells libraries from 1.29 on, which collect usage data unless told not to, to stay silent. They
/// read this while they are loaded. The pinned one holds no such code.
const DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Sets the variable that switches telemetry off, unless it is set.
pub(crate) fn disable_telemetry() {
    if std::env::var_os(DISABLE_TELEMETRY).is_none() {
        // SAFETY: `init`, the only caller, says that no other thread may exist yet.
        unsafe { std::env::set_var(DISABLE_TELEMETRY, "1") };
    }
}

/// A library that fits, kept open.
pub(crate) struct Opened {
    _library: Library,
}

impl Opened {
    /// Opens a library, which runs its initialisers, and asks for its version.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn new(path: &Path) -> Result<Self, String> {
        // SAFETY: whoever runs the server says that this is ONNX Runtime, and runs its code anyway.
        let library = unsafe { Library::new(path) };
        // The outer error only says which function failed.
        let library = library.map_err(|error| match error.source() {
            Some(cause) => cause.to_string(),
            None => error.to_string(),
        })?;
        // SAFETY: this is the signature of the function of that name in every version.
        let base =
            unsafe { library.get::<extern "system" fn() -> *const OrtApiBase>("OrtGetApiBase") };
        let base = base.map_err(|_| "it has no function OrtGetApiBase".to_owned())?();
        // SAFETY: the function returns a null pointer or the address of a table that lives as long
        // as the library.
        let base = unsafe { base.as_ref() }.ok_or("it offers no API")?;
        // SAFETY: it is a function of the library, which is open.
        let version = unsafe { (base.GetVersionString)() };
        // SAFETY: it returns a C string that lives as long as the library.
        let version = unsafe { CStr::from_ptr(version) }.to_string_lossy();
        if !is_new_enough(&version) {
            let oldest = ort::MINOR_VERSION;
            return Err(format!("its version is {version}, but 1.{oldest} or later is needed"));
        }
        // SAFETY: it is a function of the library, which is open, and it takes any number.
        let api = unsafe { (base.GetApi)(ort::MINOR_VERSION) };
        if api.is_null() {
            return Err(format!("version {version} does not offer API {}", ort::MINOR_VERSION));
        }
        Ok(Self { _library: library })
    }
}

/// Each version has the APIs of all older ones. Asking an older one for a newer API makes it write
/// to stderr, so the version is asked first.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
    major == Some(1) && minor >= Some(ort::MINOR_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        let check = |version, expected| assert_eq!(is_new_enough(version), expected, "{version}");
        check("1.24.0", true);
        check("1.28.0", true);
        check("1.100.0-rc1", true);
        check("1.23.2", false);
        check("1.3.0", false);
        check("2.0.0", false);
        check("1", false);
        check("", false);
    }
}
