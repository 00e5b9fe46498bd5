//! JPEG bytes in, model-ready tensors out.
