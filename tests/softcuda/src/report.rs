//! What the program under test did wrong. Each is told on stderr at once, and kept for the test.

use std::sync::Mutex;

use crate::sync::lock;

/// A program that errs in a loop is not to fill the memory; the first ones are what is read.
const KEPT_MAX: usize = 1000;

/// The violations found so far.
#[derive(Default)]
pub(crate) struct Report {
    violations: Mutex<Vec<String>>,
}

impl Report {
    pub(crate) fn violation(&self, text: String) {
        eprintln!("software CUDA device: {text}");
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT_MAX {
            violations.push(text);
        }
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }
}
