//! From a directory to validated models.
//!
//! A model comes up in these steps, one module each:
//!
//! 1. [`layout`]: which models and versions the repository's folders hold;
//! 2. [`stated`]: what `config.pbtxt` states, checked as far as it goes by itself;
//! 3. [`engine`]: which backend runs it, when the file does not say;
//! 4. [`complete`]: what the engine found in the model's file fills in what was left out;
//! 5. [`warmup`]: what each instance is to run before it serves;
//! 6. [`definition`]: the result, complete and consistent.
//!
//! [`read`] goes through all of them. Nothing here executes a model; every error names the file,
//! the line and what to do ([`problems`]).
#![forbid(unsafe_code)]

mod accelerators;
mod batching;
pub mod complete;
pub mod completion;
pub mod definition;
pub mod engine;
mod ensemble;
#[cfg(test)]
mod fakes;
mod instances;
pub mod labels;
pub mod layout;
pub mod problems;
pub mod read;
mod shown;
pub mod stated;
mod versions;
pub mod warmup;
pub mod watch;
