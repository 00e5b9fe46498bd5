//! GPU inference server that a Triton user can swap in.
