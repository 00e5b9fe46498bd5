//! Models of ONNX Runtime.
