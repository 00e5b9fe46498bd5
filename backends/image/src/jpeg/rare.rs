//! Layouts that the faster decoder refuses or gets wrong: baseline with its colours in separate
//! scans, and unusual sampling.

use jpeg_decoder::{Decoder, PixelFormat as Decoded};
use nereid_kernels::cpu::PixelFormat;

use super::{broken, contain, unsupported};
use crate::error::PictureError;

/// A JPEG of a rare layout.
pub(super) struct Rare<'a>(Decoder<&'a [u8]>);

impl<'a> Rare<'a> {
    /// Reads the header of a picture of `width` x `height` pixels.
    ///
    /// # Errors
    /// [`PictureError::Broken`].
    pub(super) fn open(
        bytes: &'a [u8],
        (width, height): (usize, usize),
    ) -> Result<Self, PictureError> {
        let mut decoder = Decoder::new(bytes);
        // Room for one picture, of four components at most.
        decoder.set_max_decoding_buffer_size(4 * width * height);
        contain(|| decoder.read_info())?;
        let info = decoder.info().map(|info| (usize::from(info.width), usize::from(info.height)));
        if info != Some((width, height)) {
            return Err(broken("it has several frame headers"));
        }
        Ok(Self(decoder))
    }

    /// Decodes to `pixels`.
    ///
    /// # Errors
    /// [`PictureError::Broken`].
    pub(super) fn decode(mut self, pixels: &mut Vec<u8>) -> Result<PixelFormat, PictureError> {
        *pixels = contain(|| self.0.decode())?;
        match self.0.info().map(|info| info.pixel_format) {
            Some(Decoded::L8) => Ok(PixelFormat::Gray),
            Some(Decoded::RGB24) => Ok(PixelFormat::Rgb),
            _ => Err(unsupported("its layout of more than three colours")),
        }
    }
}
