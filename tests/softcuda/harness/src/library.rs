//! What a test asks the software device, beside the driver API.

use std::ffi::{CString, c_char};

use libloading::Symbol;

use crate::patience::comes_to;

/// The library that the program under test has loaded, too.
pub struct Library(libloading::Library);

type Told = unsafe extern "C" fn(*mut u64, *mut c_char, usize) -> i32;

impl Library {
    pub(crate) fn open() -> Self {
        // SAFETY: the library does nothing when it is loaded.
        Self(unsafe { libloading::Library::new("libcuda.so.1") }.unwrap())
    }

    /// Sets an option of the device from now on.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set(&self, option: &str, value: u64) {
        let name = CString::new(option).unwrap();
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char, u64) -> i32> =
            unsafe { self.0.get("softcuda_set") }.unwrap();
        // SAFETY: the name ends with a 0.
        assert_eq!(unsafe { function(name.as_ptr(), value) }, 0, "no option {option}");
    }

    /// Lets a device be lost, as by a fault of its memory.
    ///
    /// # Panics
    /// If there is none of this ordinal.
    pub fn lose_device(&self, ordinal: i32) {
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(i32) -> i32> =
            unsafe { self.0.get("softcuda_lose_device") }.unwrap();
        // SAFETY: it has no demands.
        assert_eq!(unsafe { function(ordinal) }, 0, "no device {ordinal}");
    }

    /// An option as it is now; of one that counts down, 0 if its time has come.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn option(&self, option: &str) -> u64 {
        self.named("softcuda_get", option)
    }

    /// A count of the device's (`tests/softcuda/src/counters.rs`).
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn count(&self, counter: &str) -> u64 {
        self.named("softcuda_counter", counter)
    }

    /// What the program did wrong so far.
    pub fn violations(&self) -> Vec<String> {
        self.told("softcuda_violations")
    }

    /// What is allocated and not freed.
    pub fn leaks(&self) -> Vec<String> {
        self.told("softcuda_leaks")
    }

    /// Other threads may still be about to free what the test dropped.
    pub(crate) fn await_no_leaks(&self) {
        assert!(comes_to(|| self.leaks().is_empty()), "leaks: {:#?}", self.leaks());
    }

    pub(crate) fn release(&self) {
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn() -> i32> =
            unsafe { self.0.get("softcuda_release") }.unwrap();
        // SAFETY: it has no demands.
        assert_eq!(unsafe { function() }, 0);
    }

    pub(crate) fn is_holding(&self) -> bool {
        let mut answer = 0;
        // SAFETY: this is the function's type.
        let function: Symbol<'_, unsafe extern "C" fn(*mut u64) -> i32> =
            unsafe { self.0.get("softcuda_is_holding") }.unwrap();
        // SAFETY: the answer is ours.
        assert_eq!(unsafe { function(&raw mut answer) }, 0);
        answer != 0
    }

    /// Calls one of the functions that take a name.
    pub(crate) fn call_with_name(&self, function: &str, name: &str) {
        let text = CString::new(name).unwrap();
        // SAFETY: this is the type of those functions.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char) -> i32> =
            unsafe { self.0.get(function) }.unwrap();
        // SAFETY: the name ends with a 0.
        assert_eq!(unsafe { function(text.as_ptr()) }, 0, "'{name}'");
    }

    /// What one of the functions that take a name and give a number says.
    pub(crate) fn named(&self, function: &str, name: &str) -> u64 {
        let (text, mut number) = (CString::new(name).unwrap(), 0);
        // SAFETY: this is the type of those functions.
        let function: Symbol<'_, unsafe extern "C" fn(*const c_char, *mut u64) -> i32> =
            unsafe { self.0.get(function) }.unwrap();
        // SAFETY: the name ends with a 0, and the number is ours.
        assert_eq!(unsafe { function(text.as_ptr(), &raw mut number) }, 0, "no '{name}'");
        number
    }

    fn told(&self, function: &str) -> Vec<String> {
        // SAFETY: this is the type of both functions that tell something.
        let function: Symbol<'_, Told> = unsafe { self.0.get(function) }.unwrap();
        let (mut count, mut texts) = (0, vec![0_u8; 1 << 16]);
        // SAFETY: the texts have as much room as is said.
        let code = unsafe { function(&raw mut count, texts.as_mut_ptr().cast(), texts.len()) };
        assert_eq!(code, 0);
        let end = texts.iter().position(|byte| *byte == 0).unwrap_or(texts.len());
        String::from_utf8_lossy(&texts[..end]).lines().map(str::to_owned).collect()
    }
}
