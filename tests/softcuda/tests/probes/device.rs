//! The library, loaded as a program loads its driver: by the names of its functions.

use std::ffi::{CString, c_char};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use nereid_conformance::{Driver, functions};
pub(crate) use nereid_conformance::{IpcHandle as Handle, code::*};
use nereid_softcuda_harness::note;

/// A driver of its own, with the context of device 0 current in this thread.
pub(crate) struct Device {
    driver: Driver,
}

impl Deref for Device {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        &self.driver
    }
}

functions! {
    Device:
    fn softcuda_poison(address: u64, size: usize);
    fn softcuda_unpoison(address: u64, size: usize);
    fn softcuda_poison_async(address: u64, size: usize, stream: usize);
    fn softcuda_unpoison_async(address: u64, size: usize, stream: usize);
    fn softcuda_set(name: *const c_char, value: u64);
    fn softcuda_get(name: *const c_char, value: *mut u64);
    fn softcuda_hold(name: *const c_char);
    fn softcuda_release();
    fn softcuda_is_holding(answer: *mut u64);
    fn softcuda_done(name: *const c_char, count: *mut u64);
    fn softcuda_lose_device(device: i32);
    fn softcuda_counter(name: *const c_char, count: *mut u64);
    fn softcuda_violations(count: *mut u64, texts: *mut c_char, capacity: usize);
    fn softcuda_leaks(count: *mut u64, texts: *mut c_char, capacity: usize);
}

impl Device {
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// With options that are set before `cuInit`.
    pub(crate) fn open_with(options: &[(&str, u64)]) -> Self {
        note_test();
        let device = Self { driver: Driver::load(&copy_of_library()) };
        for (name, value) in options {
            device.set(name, *value);
        }
        assert_eq!(device.cuInit(0), 0);
        device.make_current(0);
        device
    }

    pub(crate) fn set(&self, option: &str, value: u64) {
        assert_eq!(self.softcuda_set(CString::new(option).unwrap().as_ptr(), value), 0);
    }

    pub(crate) fn count(&self, counter: &str) -> u64 {
        let (name, mut count) = (CString::new(counter).unwrap(), 0);
        assert_eq!(self.softcuda_counter(name.as_ptr(), &raw mut count), 0);
        count
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        Self::told(|count, texts, size| self.softcuda_violations(count, texts, size))
    }

    pub(crate) fn leaks(&self) -> Vec<String> {
        Self::told(|count, texts, size| self.softcuda_leaks(count, texts, size))
    }

    fn told(call: impl Fn(*mut u64, *mut c_char, usize) -> i32) -> Vec<String> {
        let (mut count, mut texts) = (0, vec![0_u8; 1 << 16]);
        assert_eq!(call(&raw mut count, texts.as_mut_ptr().cast(), texts.len()), 0);
        let end = texts.iter().position(|byte| *byte == 0).unwrap();
        let texts = String::from_utf8(texts[..end].to_vec()).unwrap();
        let texts: Vec<_> = texts.lines().map(str::to_owned).collect();
        assert_eq!(texts.len() as u64, count);
        texts
    }

    /// The program was right.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.violations(), [""; 0]);
    }

    /// The program erred once, and it was told so.
    pub(crate) fn assert_violation(&self, expected: &str) {
        let violations = self.violations();
        assert!(
            violations.len() == 1 && violations[0].contains(expected),
            "expected one violation with {expected:?}: {violations:#?}"
        );
    }
}

/// Tells the heading of `make test` that this test ran here. What one test starts is none of its own.
fn note_test() {
    let is_part = std::env::args().any(|argument| argument == "--ignored");
    if let (false, Some(name)) = (is_part, std::thread::current().name()) {
        note("ran", name, "");
    }
}

/// A file of its own for each driver: the system loads a file once for the whole process.
fn copy_of_library() -> PathBuf {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let built = std::env::current_exe().unwrap().parent().unwrap().join("libsoftcuda.so");
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let copy = folder.join(format!("libcuda-{number}-{}.so.1", std::process::id()));
    std::fs::copy(built, &copy).unwrap();
    let opened = copy.clone();
    OPENED.with_borrow_mut(|files| files.0.push(opened));
    copy
}

thread_local! {
    static OPENED: std::cell::RefCell<Removed> = const { std::cell::RefCell::new(Removed(Vec::new())) };
}

/// Files that are removed when the test's thread ends.
struct Removed(Vec<PathBuf>);

impl Drop for Removed {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = std::fs::remove_file(file);
        }
    }
}
