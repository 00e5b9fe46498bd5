//! JPEGs from the host's memory to pixels in a device's, by NVIDIA's nvJPEG.
//!
//! A binding of our own: 32 functions of a C interface that has not changed from version 11 to 13, opened
//! at run time. The crate `nvjpeg-sys` links the library when it is built.
//!
//! Pixels come out as interleaved RGB without gaps, [`crate::cuda::Picture::interleaved`]: the kernels that
//! resize read it in place, and a pixel's three levels lie in one line of the cache. Planes of RGB would cost
//! three lines, and those of luma and chroma another pass, which writes and reads three bytes a pixel.
//!
//! - `sys`: the functions, and objects that end by themselves;
//! - `status`: what went wrong;
//! - `library`: the library on one device, and which of its decoders works there;
//! - `header`: which files it is given;
//! - `decoder`: a batch, of which every file is decoded or refused by itself, by way of `batches`, which the
//!   hardware decoder takes at once, or `pictures`, one by one.

mod batches;
mod busy;
mod decoder;
mod header;
mod library;
mod pictures;
mod status;
mod sys;

pub use decoder::{Decoder, Encoded, Outcome};
pub use library::{Backend, Nvjpeg};
pub use status::NvjpegError;

#[cfg(test)]
mod tests;
