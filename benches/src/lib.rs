//! Micro benches and one-request instruction counts.
