//! Work that a test holds up, to see what is done beside it.

use crate::Library;
use crate::patience::comes_to;

/// Work that stands still, with what comes behind it in its stream, until this is dropped.
pub struct Held<'a> {
    library: &'a Library,
    name: &'a str,
}

impl Library {
    /// Holds the next work of this name: a kernel's, `copy H2D`, `copy D2H`.
    ///
    /// # Panics
    /// If the name has a 0.
    pub fn hold<'a>(&'a self, name: &'a str) -> Held<'a> {
        self.call_with_name("softcuda_hold", name);
        Held { library: self, name }
    }

    /// How often work of this name was done.
    ///
    /// # Panics
    /// If the name has a 0.
    pub fn done(&self, name: &str) -> u64 {
        self.named("softcuda_done", name)
    }

    /// Waits until work of this name was done so many times since the library was loaded.
    ///
    /// # Panics
    /// If that does not come.
    #[track_caller]
    pub fn await_done(&self, name: &str, count: u64) {
        let is_done = comes_to(|| self.done(name) >= count);
        assert!(is_done, "'{name}' was done {} times, not {count}", self.done(name));
    }
}

impl Held<'_> {
    /// Waits until the work has come, and stands.
    ///
    /// # Panics
    /// If it does not come.
    #[track_caller]
    pub fn await_standing(&self) {
        assert!(comes_to(|| self.library.is_holding()), "no '{}' has come", self.name);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.library.release();
    }
}
