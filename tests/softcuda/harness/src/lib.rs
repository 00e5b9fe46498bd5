//! Runs a test on a CUDA device, in a process of its own: on the software one, or, where
//! `make test-gpu` asks for it, on that of the machine.
//!
//! A process finds its driver by `LD_LIBRARY_PATH`, which is read when it starts, and has one driver,
//! whose counts and violations are of the whole process. So a test's binary is started again for this
//! one test, with the software device's library in the way, and there runs the test's body; it fails
//! on a violation or a leak.
//!
//! ```text
//! #[test]
//! fn counted_on_the_software_cuda_device() {
//!     SoftCuda::new().set("devices", 2).run(|cuda| { … cuda.count("h2d_bytes") … });
//! }
//!
//! #[test]
//! fn what_every_device_does() {
//!     AnyCuda::new().run(|| { … });
//! }
//! ```

// A part of tests, where a panic is how a fault is told.
#![allow(clippy::unwrap_used, clippy::panic)]

mod apart;
mod gate;
mod gpu;
mod library;
mod nvjpeg;
mod patience;
mod random;
mod report;

use std::os::unix::fs::symlink;
use std::path::PathBuf;

pub use apart::{folder, run_with_broken_driver, run_without_driver};
pub use gate::Held;
pub use library::Library;
pub use nvjpeg::NvjpegDouble;
pub use patience::comes_to;
pub use random::Random;
pub use report::note;

use apart::{beside_binary, is_apart, made, run_apart, test_name, write_no_library};
use report::{Outcome, Report};

/// A test of what only the software CUDA device tells or does: its counts, faults on demand, and what
/// its sanitizer finds.
#[derive(Default)]
pub struct SoftCuda {
    options: Vec<(&'static str, u64)>,
    folders: Vec<PathBuf>,
    has_nvjpeg: bool,
    expected: Option<&'static str>,
}

impl SoftCuda {
    /// With one device and all defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With an option of the device (`tests/softcuda/src/options.rs`).
    #[must_use]
    pub fn set(mut self, option: &'static str, value: u64) -> Self {
        self.options.push((option, value));
        self
    }

    /// With the libraries of a folder in the way.
    #[must_use]
    pub fn with_folder(mut self, folder: PathBuf) -> Self {
        self.folders.push(folder);
        self
    }

    /// The body errs, and a violation with this text has to be found: for tests of tests.
    #[must_use]
    pub fn errs(mut self, violation: &'static str) -> Self {
        self.expected = Some(violation);
        self
    }

    /// Runs the test's `body` in a process of its own.
    ///
    /// # Panics
    /// If the body does, on violations that are not expected, and on leaks.
    #[track_caller]
    pub fn run<F: FnOnce(&Library)>(self, body: F) {
        let test = test_name::<F>();
        if is_apart() {
            return self.run_here(body);
        }
        let report = Report::of(test);
        if gpu::is_asked_for() {
            return report
                .end(Outcome::Skipped("it asks what only the software CUDA device tells"));
        }
        self.run_apart(test);
        report.end(Outcome::Passed);
    }

    #[track_caller]
    fn run_apart(self, test: &str) {
        let folders: Vec<_> = [folder()].into_iter().chain(self.folders).collect();
        run_apart(test, &folders, &self.options);
    }

    /// With a library in the way that cargo has built beside the test's binary as `built`, and which
    /// programs look for by `names`.
    #[must_use]
    pub fn with_double(self, built: &str, names: &[&str]) -> Self {
        let library = beside_binary(built);
        let name = format!("{}-as-{}", built, names[0]);
        self.with_folder(made(&name, names, |place| symlink(&library, place)))
    }

    /// With libraries of these names in the way that cannot be opened: as if there were none.
    fn without(self, names: &[&str]) -> Self {
        self.with_folder(made(&format!("no-{}", names[0]), names, write_no_library))
    }

    fn run_here(self, body: impl FnOnce(&Library)) {
        let library = Library::open();
        body(&library);
        match self.expected {
            None => {
                if self.has_nvjpeg {
                    NvjpegDouble::open().await_no_objects();
                }
                library.await_no_leaks();
                assert_eq!(library.violations(), [""; 0], "violations");
            }
            Some(expected) => {
                let found = library.violations();
                let is_told = found.iter().any(|violation| violation.contains(expected));
                assert!(is_told, "expected a violation with {expected:?}, found {found:#?}");
            }
        }
    }
}

/// A test of what every CUDA device does. Its body asks nobody but the driver.
pub struct AnyCuda {
    devices: u64,
    software: SoftCuda,
}

impl Default for AnyCuda {
    fn default() -> Self {
        Self { devices: 1, software: SoftCuda::default() }
    }
}

impl AnyCuda {
    /// With one device.
    pub fn new() -> Self {
        Self::default()
    }

    /// With so many devices; skipped on a machine that has fewer.
    #[must_use]
    pub fn devices(mut self, count: u64) -> Self {
        self.devices = count;
        self.set("devices", count)
    }

    /// The software device is to work as late as it may: a stream goes on only as far as somebody
    /// waits for it.
    #[must_use]
    pub fn latest(self) -> Self {
        self.set("run_when_awaited", 1)
    }

    /// With an option of the software device, which a GPU has not.
    #[must_use]
    pub fn set(mut self, option: &'static str, value: u64) -> Self {
        self.software = self.software.set(option, value);
        self
    }

    /// The body errs on purpose, and the software device tells it with this text.
    #[must_use]
    pub fn errs(mut self, violation: &'static str) -> Self {
        self.software = self.software.errs(violation);
        self
    }

    /// The software device has the double of nvJPEG beside it; skipped on a machine without nvJPEG.
    #[must_use]
    pub fn with_nvjpeg(mut self) -> Self {
        self.software = self.software.with_nvjpeg();
        self
    }

    /// Runs the test's `body` in a process of its own.
    ///
    /// # Panics
    /// If the body does, and on the software device, as [`SoftCuda::run`] does.
    #[track_caller]
    pub fn run<F: FnOnce()>(self, body: F) {
        self.run_test(test_name::<F>(), |_| body());
    }

    /// As [`AnyCuda::run`], with what the software device tells, if it is that.
    ///
    /// # Panics
    /// As [`AnyCuda::run`].
    #[track_caller]
    pub fn run_counted<F: FnOnce(Option<&Library>)>(self, body: F) {
        self.run_test(test_name::<F>(), body);
    }

    #[track_caller]
    fn run_test(self, test: &str, body: impl FnOnce(Option<&Library>)) {
        match (is_apart(), gpu::is_asked_for()) {
            (true, true) => body(None),
            (true, false) => self.software.run_here(|library| body(Some(library))),
            (false, true) => {
                let report = Report::of(test);
                if gpu::device_count() < self.devices {
                    return report.end(Outcome::Skipped("it needs more devices than there are"));
                }
                if self.software.has_nvjpeg && !nvjpeg::is_there() {
                    return report.end(Outcome::Skipped("there is no nvJPEG"));
                }
                run_apart(test, &[], &[]);
                report.end(Outcome::Passed);
            }
            (false, false) => {
                let report = Report::of(test);
                self.software.run_apart(test);
                report.end(Outcome::Passed);
            }
        }
    }
}
