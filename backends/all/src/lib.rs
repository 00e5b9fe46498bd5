//! The list of engines.
