//! TensorRT's runtime, and all unsafe code of this crate. No rules of ours are here.
//!
//! The library is C++, and what is public in its headers is inline: a public object is `[table][mImpl]`, and its
//! methods call those of `mImpl`, by their places in its virtual table. Those places are the same in all of
//! 10.x and in all of 11.x, so a table of numbers for each major (`slots`) does for a binding, and neither a
//! C++ compiler nor a header is needed to build. Other majors are refused.
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "a method is looked up and called")]

mod allocator;
mod context;
mod dims;
mod engine;
mod library;
mod logger;
mod object;
mod slots;

pub(crate) use context::Context;
pub(crate) use dims::Dims;
pub(crate) use engine::{Engine, Location, Mode, Place};
pub(crate) use library::Library;

#[cfg(test)]
mod tests;

/// A call that the library refused, with the last line that it logged of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {}", reason.as_deref().unwrap_or("TensorRT gave no reason"))]
pub(crate) struct Refusal {
    /// The method, as the headers call it.
    call: &'static str,
    reason: Option<String>,
}

impl Refusal {
    /// That `call`, which this thread just made, failed.
    fn of(call: &'static str) -> Self {
        Self { call, reason: logger::take_error() }
    }
}

/// Whether `call` succeeded.
fn granted(call: &'static str, is_granted: bool) -> Result<(), Refusal> {
    if is_granted { Ok(()) } else { Err(Refusal::of(call)) }
}
