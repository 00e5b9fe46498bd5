//! What decoding a JPEG computes: inverse transforms, and colour. Its bits are for others to read.
//!
//! Each gives the bits of libjpeg-turbo's default decoder.

pub(super) mod dct;
pub(super) mod ycc;
