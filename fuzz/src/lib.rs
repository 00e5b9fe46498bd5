//! Every decoder of the server against bytes that nobody would send.
//!
//! A target is a function of bytes that panics when the code under it breaks a promise: that what
//! was read can be written and read again, that an error points into the text, that a tensor has
//! the bytes of its shape, that memory stays within a limit ([`memory`]). libFuzzer calls it for
//! minutes (`main.rs`, `make fuzz`), and an ordinary test for a second (`tests/smoke.rs`).
//!
//! What it is not: a test of what is right; that is beside the code.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // It is a test.

pub mod memory;
pub mod targets;
