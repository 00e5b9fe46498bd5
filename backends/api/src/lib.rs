//! The leaf of seams: what the server and its engines say to each other, and nothing else.
//!
//! No wire format, no engine, no driver and no async runtime is known here (of tokio, only the
//! channel that carries an answer home). In reading order:
//!
//! - [`data_type`], [`device`], [`tensor`]: what flows;
//! - [`spec`]: what a model is, once its configuration and its files agree;
//! - [`reshape`]: clients and the engine may see other axes of the same elements;
//! - [`parts`], [`cancel`], [`request`], [`batch`]: what is asked, and the way home;
//! - [`backend`]: the traits [`backend::Backend`] -> [`backend::Model`] -> [`backend::Instance`];
//! - [`observer`]: who counts what happened;
//! - [`error`]: what can go wrong.
#![forbid(unsafe_code)]

pub mod backend;
pub mod batch;
pub mod cancel;
pub mod data_type;
pub mod device;
pub mod error;
pub mod observer;
pub mod parts;
pub mod request;
pub mod reshape;
pub mod spec;
pub mod tensor;
