//! Who may talk to the server, and what they may ask for: TLS, API keys, and restricted groups of calls.
//!
//! `tls` stands between a connection and its protocol; a `guard` stands before the calls of a port, and
//! knows them by their `group`. What comes from files is read anew when they change (`live`).

pub mod api_keys;
pub mod cors;
pub mod group;
pub mod guard;
pub mod live;
mod pem;
pub mod refusal;
pub mod restriction;
mod secret_file;
pub mod tls;
