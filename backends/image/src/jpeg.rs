//! From untrusted bytes to pixels.
//!
//! The bytes are walked marker by marker first (`structure`): that refuses a truncated file,
//! which the decoder would answer with grey pixels, and bounds the work before any memory is
//! taken. The decoder then sees the bytes up to the end of the image and no further.
//!
//! What it cannot tell is a file whose pixel data are too short though it has its end, as some
//! repair tools write it: the rest of such a picture is grey, as with other decoders. One that is
//! so short that it is all grey is refused: decoding it costs as much as a real one.

mod rare;
mod structure;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nereid_kernels::cpu::{AXIS_MAX, Orientation, PixelFormat};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::error::{Format, PictureError};
use crate::exif;
use rare::Rare;
use structure::{Image, unsupported};

/// Most scans of one file. Each runs over the whole picture, so many of them in a small file are
/// an attack; encoders write about ten.
const SCANS_MAX: usize = 64;

/// Scans that a picture of the most pixels may have; a smaller one may have more.
const SCANS_OF_LARGEST: usize = 16;

/// Pixels on each side of the blocks that a picture is coded in. A block's shortest code has one
/// bit (ITU-T T.81, annex C), so a header can't claim more blocks than the file has bits.
const BLOCK_SIDE: usize = 8;

/// A JPEG of which only the header was decoded.
pub(crate) struct Jpeg<'a> {
    decoder: Decoder<'a>,
    size: (usize, usize),
}

/// Both give the same picture, to a level or three; the first is faster.
enum Decoder<'a> {
    Usual(Box<JpegDecoder<ZCursor<&'a [u8]>>>),
    Rare(Box<Rare<'a>>),
}

impl<'a> Jpeg<'a> {
    /// Checks `bytes`, which begin like a JPEG, and reads the header. Takes no memory beyond what
    /// the header needs.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub(crate) fn open(bytes: &'a [u8], pixels_max: usize) -> Result<Self, PictureError> {
        let image = structure::image(bytes, SCANS_MAX)?;
        check_work(&image, pixels_max)?;
        let decoder = if image.is_rare {
            Decoder::Rare(Box::new(Rare::open(image.bytes, image.size)?))
        } else {
            Decoder::Usual(Box::new(usual(image.bytes)?))
        };
        let size = match &decoder {
            Decoder::Usual(decoder) => decoder.dimensions().unwrap_or_default(),
            Decoder::Rare(_) => image.size,
        };
        if size != image.size {
            return Err(PictureError::broken(Format::Jpeg, "it has several frame headers"));
        }
        Ok(Self { decoder, size })
    }

    /// Columns and rows, as stored.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Which way up it is.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = match &self.decoder {
            Decoder::Usual(decoder) => decoder.exif().map(Vec::as_slice),
            Decoder::Rare(decoder) => decoder.exif(),
        };
        exif.map(exif::orientation).unwrap_or_default()
    }

    /// Decodes to `pixels`, which is overwritten and may stay larger than this picture.
    ///
    /// # Errors
    /// [`PictureError::Broken`].
    pub(crate) fn decode(self, pixels: &mut Vec<u8>) -> Result<PixelFormat, PictureError> {
        let mut decoder = match self.decoder {
            Decoder::Usual(decoder) => decoder,
            Decoder::Rare(decoder) => return decoder.decode(pixels),
        };
        let (width, height) = self.size;
        let size_bytes = 3 * width * height;
        // All zero, since a broken file may leave pixels out, and the last picture in this memory
        // was another client's.
        pixels.clear();
        pixels.try_reserve_exact(size_bytes).map_err(broken)?;
        pixels.resize(size_bytes, 0);
        contain(|| decoder.decode_into(pixels))?;
        Ok(PixelFormat::Rgb)
    }
}

/// The faster decoder, which has read the header.
fn usual(bytes: &[u8]) -> Result<JpegDecoder<ZCursor<&[u8]>>, PictureError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(AXIS_MAX)
        .set_max_height(AXIS_MAX)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    contain(|| decoder.decode_headers())?;
    Ok(decoder)
}

/// Refuses what would take too much memory or time, by the header alone.
fn check_work(image: &Image<'_>, pixels_max: usize) -> Result<(), PictureError> {
    let (width, height) = image.size;
    if width * height > pixels_max {
        return Err(PictureError::TooLarge { width, height, pixels_max });
    }
    if width * height * image.scans > pixels_max.saturating_mul(SCANS_OF_LARGEST) {
        return Err(PictureError::TooMuchWork { scans: image.scans, width, height });
    }
    let blocks = width.div_ceil(BLOCK_SIDE) * height.div_ceil(BLOCK_SIDE);
    if blocks > image.bytes.len().saturating_mul(8) {
        let (format, size_bytes) = (Format::Jpeg, image.bytes.len());
        return Err(PictureError::Hollow { format, width, height, size_bytes });
    }
    Ok(())
}

/// A panic of a decoder fails one picture. The panic hook has logged it.
fn contain<T, E: fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, PictureError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(broken),
        Err(_logged) => Err(broken("the decoder failed on it; the server's log has the reason")),
    }
}

fn broken(error: impl fmt::Display) -> PictureError {
    PictureError::broken(Format::Jpeg, error)
}

#[cfg(test)]
mod tests;
