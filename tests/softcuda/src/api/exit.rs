//! The report of a program that runs as a child: a file, written when it ends.
//!
//! Each line is `counter NAME COUNT`, `violation TEXT` or `leak TEXT`. A program that ends by a signal
//! leaves no file; `%p` in the path is the process's number.

use std::fmt::Write as _;

use super::{DRIVER, control, driver};
use crate::driver::Driver;
use crate::sys::at_exit;

const PATH: &str = "SOFTCUDA_REPORT";

/// A driver that reports if the environment asks for it.
pub(super) fn open_driver() -> Driver {
    if std::env::var_os(PATH).is_some() {
        at_exit(write);
    }
    Driver::open()
}

extern "C" fn write() {
    let Ok(path) = std::env::var(PATH) else { return };
    if DRIVER.get().is_none() {
        return;
    }
    let path = path.replace("%p", &std::process::id().to_string());
    if let Err(error) = std::fs::write(&path, text()) {
        eprintln!("software CUDA device: the report cannot be written to `{path}`: {error}");
    }
}

fn text() -> String {
    let mut text = String::new();
    for (name, count) in driver().counters.all() {
        let _ = writeln!(text, "counter {name} {count}");
    }
    for (kind, lines) in [("violation", driver().report.violations()), ("leak", control::leaks())] {
        for line in lines {
            let _ = writeln!(text, "{kind} {}", line.replace('\n', " "));
        }
    }
    text
}
