//! Nereid's server. A request's life, file by file:
//!
//! ```text
//! connections            accepts, speaks HTTP/1.1 or HTTP/2, over TLS if that is asked (security)
//!   http/infer, grpc/infer   decode, by nereid-proto
//!   inference                one request, the same for both protocols
//!     registry               which model, in a snapshot
//!     admission              does it fit the model?
//!     queue                  one lock, at most one wake-up
//!   ~~ 1st hand-off, to the instance's thread ~~
//!     queue, scheduler, dynamic_batcher   which requests run together
//!     instance               runs the batch: Instance::start of the backend
//!     edge                   brings outputs of instances on devices to the host
//!   ~~ 2nd hand-off, back to the client's task ~~
//!     classification         the highest values of an output, for who asks for them
//!   http/infer, grpc/infer   encode
//! ```
//!
//! An ensemble (`ensemble`) takes the place of the queue: its steps are requests to other models.
//! `lifecycle` brings models up and down; `answers` and `metrics` tell about them.
#![forbid(unsafe_code)]

pub mod admission;
pub mod answers;
pub mod budget;
pub mod check;
pub mod classification;
pub mod connections;
pub mod dynamic_batcher;
pub mod edge;
pub mod ensemble;
#[cfg(test)]
mod fakes;
pub mod grpc;
pub mod handover;
pub mod http;
pub mod inference;
pub mod init;
pub mod instance;
pub mod lifecycle;
pub mod logging;
pub mod metrics;
pub mod off_worker;
pub mod options;
pub mod park;
pub mod pause;
pub mod places;
pub mod probe;
pub mod queue;
pub mod regions;
pub mod registry;
pub mod reshaped;
pub mod scheduler;
pub mod security;
pub mod server;
pub mod statistics;
pub mod status;
pub mod warmed;
