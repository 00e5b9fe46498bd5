//! Tensor kernels, and everything that touches a device driver.
