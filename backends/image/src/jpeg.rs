//! From untrusted bytes to pixels.
//!
//! The bytes are walked marker by marker first (`structure`): that refuses a truncated file,
//! which the decoder would answer with grey pixels, and bounds the work before any memory is
//! taken. The decoder then sees the bytes up to the end of the image and no further. Nearly all
//! files are for the decoder of ours, `baseline`; the others are for libraries.
//!
//! What it cannot tell is a file whose pixel data are too short though it has its end, as some
//! repair tools write it: the rest of such a picture is grey, as with other decoders. One that is
//! so short that it is all grey is refused: decoding it costs as much as a real one.

mod baseline;
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
use baseline::{Baseline, Planes};
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
    bytes: &'a [u8],
    decoder: Decoder<'a>,
    size: (usize, usize),
    exif: Option<&'a [u8]>,
}

/// How a picture lies in the memory that it was decoded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Row by row, without gaps.
    Interleaved(PixelFormat),
    /// Luma and chroma apart.
    Planes(Planes),
}

/// All give the same picture, to a level or three; the faster ones take fewer kinds of files.
enum Decoder<'a> {
    Baseline(Box<Baseline<'a>>),
    Usual(Box<Usual<'a>>),
    Rare(Box<Rare<'a>>),
}

type Usual<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

impl<'a> Jpeg<'a> {
    /// Checks `bytes`, which begin like a JPEG, and reads the header. Takes no memory beyond what
    /// the header needs.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub(crate) fn open(bytes: &'a [u8], pixels_max: usize) -> Result<Self, PictureError> {
        let image = structure::image(bytes, SCANS_MAX)?;
        check_work(&image, pixels_max)?;
        let decoder = if let Some(baseline) = Baseline::open(&image) {
            Decoder::Baseline(Box::new(baseline))
        } else if image.is_rare {
            Decoder::Rare(Box::new(Rare::open(image.bytes, image.size)?))
        } else {
            Decoder::Usual(Box::new(usual(image.bytes, image.size)?))
        };
        Ok(Self { bytes: image.bytes, decoder, size: image.size, exif: image.exif })
    }

    /// Columns and rows, as stored.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Which way up it is.
    pub(crate) fn orientation(&self) -> Orientation {
        self.exif.map(exif::orientation).unwrap_or_default()
    }

    /// The file up to its end, if the decoder of a device may have it: its colours are luma, or luma and
    /// chroma, which decoders of devices take all files to be, and are laid out in a usual way.
    pub(crate) fn for_device(&self) -> Option<&'a [u8]> {
        let is_known = match &self.decoder {
            Decoder::Baseline(_) => true,
            Decoder::Usual(usual) => {
                matches!(usual.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma))
            }
            Decoder::Rare(_) => false,
        };
        is_known.then_some(self.bytes)
    }

    /// Decodes to `levels`, which is overwritten and may stay larger than this picture.
    ///
    /// # Errors
    /// [`PictureError::Broken`].
    pub(crate) fn decode(self, levels: &mut Vec<u8>) -> Result<Layout, PictureError> {
        let decoder = match self.decoder {
            Decoder::Baseline(baseline) => match baseline.decode(levels) {
                Some(layout) => return Ok(layout),
                // It has a mistake, so it is for the usual decoder to mend or to refuse.
                None => usual(self.bytes, self.size)?,
            },
            Decoder::Usual(decoder) => *decoder,
            Decoder::Rare(decoder) => return decoder.decode(levels).map(Layout::Interleaved),
        };
        decode_usual(decoder, self.size, levels)?;
        Ok(Layout::Interleaved(PixelFormat::Rgb))
    }
}

/// The decoder of nearly everything, which has read the header.
fn usual(bytes: &[u8], size: (usize, usize)) -> Result<Usual<'_>, PictureError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(AXIS_MAX)
        .set_max_height(AXIS_MAX)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    contain(|| decoder.decode_headers())?;
    if decoder.dimensions() != Some(size) {
        return Err(broken("it has several frame headers"));
    }
    Ok(decoder)
}

fn decode_usual(
    mut decoder: Usual<'_>,
    (width, height): (usize, usize),
    pixels: &mut Vec<u8>,
) -> Result<(), PictureError> {
    let size_bytes = 3 * width * height;
    // All zero, since a broken file may leave pixels out, and the last picture in this memory
    // was another client's.
    pixels.clear();
    pixels.try_reserve_exact(size_bytes).map_err(broken)?;
    pixels.resize(size_bytes, 0);
    contain(|| decoder.decode_into(pixels))
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
