//! A double of nvJPEG, as a `libnvjpeg.so.12` that decodes on the CPU, by zune-jpeg, and puts the pixels
//! into the memory of the software CUDA device, in the order of the stream that it is given. It uploads
//! what the backend that it plays uploads, from pinned memory of its own and to device memory of its
//! own, so that the software device counts it, and finds who uses a state again too early.
//!
//! Its pixels are not nvJPEG's, and what it refuses is what NVIDIA's documentation says, not what the
//! library was seen to do (`docs/gpu.md`).
//!
//! `api` is what programs call; `decode` is the work behind it; `picture` reads files; `cuda` calls the
//! device; `settings` is what tests ask of it.

mod api;
mod cuda;
mod decode;
mod objects;
mod picture;
mod settings;
mod status;
