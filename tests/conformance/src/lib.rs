//! The driver API by the names of its functions, as tests call it: a library that is loaded as a
//! program loads its driver, with no layer between. `tests/driver` has the cases; they are run on the
//! software CUDA device, and unchanged on a GPU by `make test-gpu`.

// A part of tests, where a panic is how a fault is told.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod add;
pub mod code;
mod driver;
mod functions;

pub use add::{ADD_PTX, Add, words};
pub use driver::Driver;
pub use functions::IpcHandle;
