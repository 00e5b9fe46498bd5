//! Batches of files of one instance.

use std::sync::Arc;

use nereid_backend::observer::CopyCounter;

use super::batches::Batches;
use super::pictures::Pictures;
use super::{Backend, Nvjpeg, NvjpegError};
use crate::cpu::{PixelFormat, check_axes};
use crate::device::{Allocation, DeviceBuffer, DeviceError, Stream};

/// A JPEG in the host's pageable memory, which is read before the call that gets it returns.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Columns and rows, as the frame header says. Limits were checked by them.
    pub size: (usize, usize),
}

/// What became of a file.
pub enum Outcome {
    /// Its pixels, as they are stored: rows of interleaved RGB, without gaps.
    Decoded(Arc<DeviceBuffer>),
    /// nvJPEG does not decode it, for this reason. The decoder on the CPU may, and knows what is wrong with
    /// it if it does not.
    Refused(String),
}

/// Decodes by one stream. Two states take turns, so the host prepares one piece of work while the device
/// does the other; the host waits for the work before that.
pub struct Decoder {
    nvjpeg: Nvjpeg,
    stream: Stream,
    kind: Kind,
}

enum Kind {
    Batches(Batches),
    Pictures(Pictures),
}

impl Decoder {
    /// For work of `stream`.
    ///
    /// # Errors
    /// When the library refuses it, or the stream is none of its device.
    pub fn new(nvjpeg: &Nvjpeg, stream: &Stream) -> Result<Self, NvjpegError> {
        let (memory, other) = (nvjpeg.device(), stream.device().id());
        if memory != other {
            return Err(DeviceError::OtherDevice { memory, stream: other }.into());
        }
        stream.device().enter()?;
        let kind = match nvjpeg.backend() {
            Backend::Hardware => Kind::Batches(Batches::new(nvjpeg.library())?),
            backend => Kind::Pictures(Pictures::new(nvjpeg.library(), backend)?),
        };
        Ok(Self { nvjpeg: nvjpeg.clone(), stream: stream.clone(), kind })
    }

    /// The library that decodes.
    pub fn nvjpeg(&self) -> &Nvjpeg {
        &self.nvjpeg
    }

    /// Enqueues the decoding of all files that nvJPEG takes: an outcome for each, in their order. What the
    /// library uploads for it is counted, which is no pixel.
    ///
    /// # Errors
    /// When there is no memory for the pixels, or the device is lost: none is decoded.
    pub fn decode_batch(
        &mut self,
        files: &[Encoded<'_>],
        copies: &CopyCounter,
    ) -> Result<Vec<Outcome>, DeviceError> {
        self.stream.device().enter()?;
        match &mut self.kind {
            Kind::Batches(batches) => batches.decode(files, &self.stream, copies),
            Kind::Pictures(pictures) => {
                let decode = |file: &Encoded<'_>| pictures.decode(file, &self.stream, copies);
                files.iter().map(decode).collect()
            }
        }
    }
}

/// Memory for a file's pixels.
pub(super) fn allocate(
    stream: &Stream,
    (width, height): (usize, usize),
) -> Result<Result<Allocation, String>, DeviceError> {
    match check_axes(width, height) {
        Ok(()) => stream.allocate(PixelFormat::Rgb.channels() * width * height).map(Ok),
        Err(error) => Ok(Err(error.to_string())),
    }
}
