//! The library's result codes, by NVIDIA's `nvjpeg.h`.

/// A result that is no success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Status(pub(crate) i32);

pub(crate) type Result<T> = std::result::Result<T, Status>;

impl Status {
    pub(crate) const NOT_INITIALIZED: Self = Self(1);
    pub(crate) const INVALID_PARAMETER: Self = Self(2);
    pub(crate) const BAD_JPEG: Self = Self(3);
    pub(crate) const JPEG_NOT_SUPPORTED: Self = Self(4);
    pub(crate) const ALLOCATOR_FAILURE: Self = Self(5);
    pub(crate) const EXECUTION_FAILED: Self = Self(6);
    pub(crate) const ARCH_MISMATCH: Self = Self(7);
    pub(crate) const IMPLEMENTATION_NOT_SUPPORTED: Self = Self(9);
}
