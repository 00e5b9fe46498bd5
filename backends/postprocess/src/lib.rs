//! The heads that close a pipeline.
