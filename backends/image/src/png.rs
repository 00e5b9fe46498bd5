//! PNG files: to 8 bits a level, without transparency, as the colours stand in the file.
//!
//! Of levels of 16 bits the upper half is kept, and an alpha channel is dropped, both as OpenCV
//! does. Of an animation the first picture is taken.

use std::io::Cursor;

use nereid_kernels::cpu::{AXIS_MAX, Orientation, PixelFormat};
use png::{ColorType, DecodingError, Limits, Reader, Transformations};

use crate::error::{Format, PictureError};
use crate::exif;

/// Most bytes that the decoder may take beside the picture, for what else is in the file.
const EXTRA_BYTES_MAX: usize = 4 << 20;

/// Most bytes that one byte of deflated data can become (RFC 1951: 258 bytes in two bits).
const INFLATION_MAX: usize = 1032;

/// A PNG of which only the header was read.
pub(crate) struct Png<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    size: (usize, usize),
    /// What came.
    size_bytes: usize,
}

impl<'a> Png<'a> {
    /// Reads the header of `bytes`, which begin like a PNG.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub(crate) fn open(bytes: &'a [u8], pixels_max: usize) -> Result<Self, PictureError> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_limits(Limits { bytes: EXTRA_BYTES_MAX });
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let told = |error: &DecodingError| told(error, bytes.len());
        let header = decoder.read_header_info().map_err(|error| told(&error))?;
        let (width, height) = (side(header.width), side(header.height));
        if width > AXIS_MAX || height > AXIS_MAX {
            let text = format!("a side of {width} x {height} pixels is more than {AXIS_MAX}");
            return Err(PictureError::Broken(Format::Png, text));
        }
        if width * height > pixels_max {
            return Err(PictureError::TooLarge { width, height, pixels_max });
        }
        let row_bytes = (width * header.bits_per_pixel()).div_ceil(8);
        if row_bytes * height > bytes.len().saturating_mul(INFLATION_MAX) {
            let (format, size_bytes) = (Format::Png, bytes.len());
            return Err(PictureError::Hollow { format, width, height, size_bytes });
        }
        let reader = decoder.read_info().map_err(|error| told(&error))?;
        Ok(Self { reader, size: (width, height), size_bytes: bytes.len() })
    }

    /// Columns and rows, as stored.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Which way up it is.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = self.reader.info().exif_metadata.as_deref();
        exif.map(exif::orientation).unwrap_or_default()
    }

    /// Decodes to `pixels`, which is overwritten.
    ///
    /// # Errors
    /// [`PictureError::Broken`], or [`PictureError::Truncated`].
    pub(crate) fn decode(mut self, pixels: &mut Vec<u8>) -> Result<PixelFormat, PictureError> {
        let size_bytes = self.size_bytes;
        let Some(needed) = self.reader.output_buffer_size() else {
            return Err(PictureError::broken(Format::Png, "it is too large"));
        };
        pixels.clear();
        pixels
            .try_reserve_exact(needed)
            .map_err(|error| PictureError::broken(Format::Png, error))?;
        pixels.resize(needed, 0);
        self.reader.next_frame(pixels).map_err(|error| told(&error, size_bytes))?;
        let (width, height) = self.size;
        let format = match self.reader.output_color_type().0 {
            ColorType::Grayscale => PixelFormat::Gray,
            ColorType::GrayscaleAlpha => drop_alpha::<2, 1>(pixels, PixelFormat::Gray),
            ColorType::Rgba => drop_alpha::<4, 3>(pixels, PixelFormat::Rgb),
            ColorType::Rgb | ColorType::Indexed => PixelFormat::Rgb,
        };
        pixels.truncate(format.channels() * width * height);
        Ok(format)
    }
}

/// Moves the first `KEPT` of each `ALL` bytes to the front.
fn drop_alpha<const ALL: usize, const KEPT: usize>(
    pixels: &mut [u8],
    format: PixelFormat,
) -> PixelFormat {
    for pixel in 0..pixels.len() / ALL {
        pixels.copy_within(pixel * ALL..pixel * ALL + KEPT, pixel * KEPT);
    }
    format
}

fn side(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}

fn told(error: &DecodingError, size_bytes: usize) -> PictureError {
    match error {
        DecodingError::IoError(_) => PictureError::Truncated { format: Format::Png, size_bytes },
        error => PictureError::broken(Format::Png, error),
    }
}

#[cfg(test)]
mod tests;
