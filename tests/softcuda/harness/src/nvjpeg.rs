//! What a test asks the double of nvJPEG (`tests/softnvjpeg`).

use std::ffi::{CString, c_char};
use std::mem::ManuallyDrop;

use libloading::Symbol;

use crate::SoftCuda;
use crate::patience::comes_to;

/// By which programs look for nvJPEG.
const NAMES: [&str; 3] = ["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so.11"];

/// The double that the program under test has loaded, too.
pub struct NvjpegDouble(ManuallyDrop<libloading::Library>);

/// Whether the machine has one of its own.
pub(crate) fn is_there() -> bool {
    // SAFETY: initialisers of NVIDIA's library have no demands.
    NAMES.iter().any(|name| unsafe { libloading::Library::new(*name) }.is_ok())
}

impl SoftCuda {
    /// With the double of nvJPEG in the way.
    #[must_use]
    pub fn with_nvjpeg(mut self) -> Self {
        self.has_nvjpeg = true;
        self.with_double("libsoftnvjpeg.so", &NAMES)
    }

    /// The body loses its device, and what nvJPEG has there is nobody's any more.
    #[must_use]
    pub fn loses_nvjpeg(mut self) -> Self {
        self.has_nvjpeg = false;
        self
    }

    /// Without any nvJPEG, even where there is one.
    #[must_use]
    pub fn without_nvjpeg(self) -> Self {
        self.without(&NAMES)
    }

    /// With a library of nvJPEG's name that has none of its functions.
    #[must_use]
    pub fn with_broken_nvjpeg(self) -> Self {
        self.with_double("libsoftcuda.so", &NAMES)
    }
}

impl NvjpegDouble {
    /// # Panics
    /// If it is not in the way.
    pub fn open() -> Self {
        // SAFETY: the library does nothing when it is loaded.
        let library = unsafe { libloading::Library::new(NAMES[0]) };
        // It stays open, since what it was told would go with it.
        Self(ManuallyDrop::new(library.unwrap()))
    }

    /// Sets an option (`tests/softnvjpeg/src/settings.rs`) from now on.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set(&self, option: &str, value: u64) {
        let name = CString::new(option).unwrap();
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char, u64) -> i32> =
            unsafe { self.0.get("softnvjpeg_set") }.unwrap();
        // SAFETY: the name ends with a 0.
        assert_eq!(unsafe { function(name.as_ptr(), value) }, 0, "no option {option}");
    }

    /// Lets the n-th call of a function from now give a status and do nothing, once; none, if `nth` is 0.
    ///
    /// # Panics
    /// Never, if the name has no 0.
    pub fn fail(&self, function: &str, nth: u64, status: i32) {
        let name = CString::new(function).unwrap();
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char, u64, i32) -> i32> =
            unsafe { self.0.get("softnvjpeg_fail") }.unwrap();
        // SAFETY: the name ends with a 0.
        assert_eq!(unsafe { function(name.as_ptr(), nth, status) }, 0);
    }

    /// How many times a function was called.
    ///
    /// # Panics
    /// Never, if the name has no 0.
    pub fn calls(&self, function: &str) -> u64 {
        let (name, mut count) = (CString::new(function).unwrap(), 0);
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char, *mut u64) -> i32> =
            unsafe { self.0.get("softnvjpeg_calls") }.unwrap();
        // SAFETY: the name ends with a 0, and the count is ours.
        assert_eq!(unsafe { function(name.as_ptr(), &raw mut count) }, 0);
        count
    }

    /// How many objects were created and not destroyed.
    ///
    /// # Panics
    /// If it is another library.
    pub fn objects(&self) -> u64 {
        let mut count = 0;
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*mut u64) -> i32> =
            unsafe { self.0.get("softnvjpeg_objects") }.unwrap();
        // SAFETY: the count is ours.
        assert_eq!(unsafe { function(&raw mut count) }, 0);
        count
    }

    /// Other threads may still be about to end what the test dropped.
    pub(crate) fn await_no_objects(&self) {
        assert!(comes_to(|| self.objects() == 0), "{} objects of nvJPEG are left", self.objects());
    }
}
