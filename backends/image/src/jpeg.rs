//! From untrusted bytes to pixels.
//!
//! The bytes are walked marker by marker first (`structure`): that refuses a truncated file,
//! which the decoder would answer with grey pixels, and bounds the work before any memory is
//! taken. The decoder then sees the bytes up to the end of the image and no further.
//!
//! What it cannot tell is a file whose pixel data are too short though it has its end, as some
//! repair tools write it: the rest of such a picture is grey, as with other decoders. One that is
//! so short that it is all grey is refused: decoding it costs as much as a real one.

mod foreign;
mod structure;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nereid_kernels::cpu::{AXIS_MAX, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

/// Most scans of one file. Each runs over the whole picture, so many of them in a small file are
/// an attack; encoders write about ten.
pub const SCANS_MAX: usize = 64;

/// Scans that a picture of the most pixels may have; a smaller one may have more.
const SCANS_OF_LARGEST: usize = 16;

/// Pixels on each side of the blocks that a picture is coded in. A block's shortest code has one
/// bit (ITU-T T.81, annex C), so a header can't claim more blocks than the file has bits.
const BLOCK_SIDE: usize = 8;

/// Why bytes are not a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// Another format, or none.
    #[error("not a JPEG: {0}")]
    Foreign(String),
    /// The file ends before the image does.
    #[error("the JPEG is truncated: its {size_bytes} bytes end before the image does")]
    Truncated {
        /// What came.
        size_bytes: usize,
    },
    /// More pixels than the model allows.
    #[error(
        "the JPEG has {width} x {height} pixels, more than the {pixels_max} that the model's \
         parameter 'pixels_max' allows"
    )]
    TooLarge {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The limit.
        pixels_max: usize,
    },
    /// Fewer bytes than its pixels can be told in.
    #[error("the JPEG has {width} x {height} pixels, which {size_bytes} bytes are too few for")]
    Hollow {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What came.
        size_bytes: usize,
    },
    /// More pixels to go over, in all scans together, than the model allows.
    #[error(
        "the JPEG has {scans} scans of {width} x {height} pixels, more work than the model's \
         parameter 'pixels_max' allows"
    )]
    TooMuchWork {
        /// Times that the picture is gone over.
        scans: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// More scans than [`SCANS_MAX`].
    #[error("the JPEG has more than {SCANS_MAX} scans")]
    Scans,
    /// It breaks the format's rules, or uses a part of it that the decoder lacks.
    #[error("the JPEG cannot be decoded: {0}")]
    Broken(String),
}

/// A JPEG of which only the header was decoded.
pub struct Encoded<'a> {
    decoder: JpegDecoder<ZCursor<&'a [u8]>>,
    size: (usize, usize),
}

impl<'a> Encoded<'a> {
    /// Checks `bytes` and reads the header. Takes no memory beyond what the header needs.
    ///
    /// # Errors
    /// See [`JpegError`].
    pub fn open(bytes: &'a [u8], pixels_max: usize) -> Result<Self, JpegError> {
        foreign::check(bytes)?;
        let image = structure::image(bytes, SCANS_MAX)?;
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(AXIS_MAX)
            .set_max_height(AXIS_MAX)
            .jpeg_set_max_scans(SCANS_MAX)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(image.bytes), options);
        contain(|| decoder.decode_headers())?;
        let size = decoder.dimensions().unwrap_or_default();
        let (width, height) = size;
        if width * height > pixels_max {
            return Err(JpegError::TooLarge { width, height, pixels_max });
        }
        if width * height * image.scans > pixels_max.saturating_mul(SCANS_OF_LARGEST) {
            return Err(JpegError::TooMuchWork { scans: image.scans, width, height });
        }
        let blocks = width.div_ceil(BLOCK_SIDE) * height.div_ceil(BLOCK_SIDE);
        if blocks > image.bytes.len().saturating_mul(8) {
            let size_bytes = image.bytes.len();
            return Err(JpegError::Hollow { width, height, size_bytes });
        }
        Ok(Self { decoder, size })
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Decodes to interleaved RGB in `pixels`, which is overwritten and may stay larger than this
    /// picture.
    ///
    /// # Errors
    /// [`JpegError::Broken`].
    pub fn decode(mut self, pixels: &mut Vec<u8>) -> Result<RgbImage<'_>, JpegError> {
        let (width, height) = self.size;
        let size_bytes = 3 * width * height;
        // All zero, since a broken file may leave pixels out, and the last picture in this memory
        // was another client's.
        pixels.clear();
        pixels.try_reserve_exact(size_bytes).map_err(broken)?;
        pixels.resize(size_bytes, 0);
        contain(|| self.decoder.decode_into(pixels))?;
        RgbImage::new(pixels, width, height).map_err(broken)
    }
}

/// A panic of the decoder fails one picture. The panic hook has logged it.
fn contain(decode: impl FnOnce() -> Result<(), DecodeErrors>) -> Result<(), JpegError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(broken),
        Err(_logged) => Err(broken("the decoder failed on it; the server's log has the reason")),
    }
}

/// The decoder's texts have quotes, line ends and double spaces in them.
fn broken(error: impl fmt::Display) -> JpegError {
    let text = error.to_string();
    let words: Vec<_> = text.trim_matches('"').split_whitespace().collect();
    JpegError::Broken(words.join(" "))
}

#[cfg(test)]
mod tests;
