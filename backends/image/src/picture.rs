//! A picture that a client sent, as a file or as levels, before and after it is decoded.

use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{Image, Orientation, PixelFormat, ViewError, Ycc, nv12_to_rgb, orient};

use nereid_kernels::nvjpeg::Encoded;

use crate::error::{Format, PictureError};
use crate::foreign;
use crate::jpeg::{Jpeg, Layout};
use crate::png::Png;

/// Most memory that is kept between batches to decode into: room for a 4K picture. After a larger
/// one it is given back.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// What to do with the orientation that EXIF states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExifOrientation {
    /// Turn the picture upright.
    #[default]
    Apply,
    /// Take it as it is stored.
    Ignore,
}

/// What is asked of pictures before they are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// More pixels are refused.
    pub pixels_max: usize,
    /// Of files.
    pub orientation: ExifOrientation,
}

/// A picture whose size is known and within limits.
pub struct Picture<'a> {
    source: Source<'a>,
    stored: (usize, usize),
    orientation: Orientation,
}

enum Source<'a> {
    Jpeg(Box<Jpeg<'a>>),
    Png(Box<Png<'a>>),
    Raw(Levels<'a>, Coding),
}

/// Levels that need no decoding.
#[derive(Clone, Debug)]
pub enum Levels<'a> {
    /// On the host.
    Host(&'a [u8]),
    /// On a device, for whoever draws there.
    Device(Tensor),
}

impl<'a> Levels<'a> {
    /// # Errors
    /// [`PictureError::Raw`] of those on a device.
    pub(crate) fn on_host(&self) -> Result<&'a [u8], PictureError> {
        match self {
            Self::Host(bytes) => Ok(bytes),
            Self::Device(tensor) => {
                Err(PictureError::Raw(format!("they are on {}", tensor.device())))
            }
        }
    }
}

/// Memory to decode into, used again by the next picture.
#[derive(Default)]
pub struct Workspace {
    pixels: Vec<u8>,
    upright: Vec<u8>,
}

impl Workspace {
    /// With some memory to begin with; nothing of what is in it will be seen.
    pub fn of(pixels: Vec<u8>) -> Self {
        Self { pixels, upright: Vec::new() }
    }

    /// Gives back what is too large to keep.
    pub(crate) fn trim(&mut self) {
        for memory in [&mut self.pixels, &mut self.upright] {
            if memory.capacity() > KEPT_BYTES_MAX {
                *memory = Vec::new();
            }
        }
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(crate) fn kept_bytes(&self) -> usize {
        self.pixels.capacity() + self.upright.capacity()
    }
}

impl<'a> Picture<'a> {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub fn open(file: &'a [u8], acceptance: Acceptance) -> Result<Self, PictureError> {
        let pixels_max = acceptance.pixels_max;
        let (source, stored, orientation) = match foreign::format(file)? {
            Format::Jpeg => {
                let jpeg = Jpeg::open(file, pixels_max)?;
                let (size, orientation) = (jpeg.size(), jpeg.orientation());
                (Source::Jpeg(Box::new(jpeg)), size, orientation)
            }
            Format::Png => {
                let png = Png::open(file, pixels_max)?;
                let (size, orientation) = (png.size(), png.orientation());
                (Source::Png(Box::new(png)), size, orientation)
            }
        };
        let orientation = match acceptance.orientation {
            ExifOrientation::Apply => orientation,
            ExifOrientation::Ignore => Orientation::default(),
        };
        Ok(Self { source, stored, orientation })
    }

    /// Takes rows of pixels as they are. Those on a device are of the size, as their tensor's shape says.
    ///
    /// # Errors
    /// [`PictureError::Raw`] or [`PictureError::TooLarge`].
    pub fn levels(
        levels: Levels<'a>,
        format: PixelFormat,
        size: (usize, usize),
        pixels_max: usize,
    ) -> Result<Self, PictureError> {
        check_pixels(size, pixels_max)?;
        if let Levels::Host(bytes) = levels {
            Image::new(bytes, format, size).map_err(raw)?;
        }
        Ok(Self::upright(Source::Raw(levels, Coding::Levels(format)), size))
    }

    /// Takes `rows` rows of `width` bytes of NV12: two thirds of them are luma.
    ///
    /// # Errors
    /// [`PictureError::Raw`] or [`PictureError::TooLarge`].
    pub fn nv12(
        levels: Levels<'a>,
        (width, rows): (usize, usize),
        pixels_max: usize,
    ) -> Result<Self, PictureError> {
        let size = (width, rows / 3 * 2);
        let is_whole = rows.is_multiple_of(3) && width.is_multiple_of(2);
        if !is_whole || width == 0 || rows == 0 {
            let text = format!(
                "NV12 has an even width and 3 rows for every 2 of the picture, \
                 not {rows} rows of {width} bytes"
            );
            return Err(PictureError::Raw(text));
        }
        check_pixels(size, pixels_max)?;
        Ok(Self::upright(Source::Raw(levels, Coding::Nv12), size))
    }

    /// The file, if nvJPEG may have it. All limits were checked.
    pub fn encoded(&self) -> Option<Encoded<'a>> {
        let Source::Jpeg(jpeg) = &self.source else { return None };
        Some(Encoded { bytes: jpeg.for_device()?, size: self.stored })
    }

    /// Its levels, if they are on a device, and how they are to be understood.
    pub(crate) fn on_device(&self) -> Option<(&Tensor, Coding)> {
        match &self.source {
            Source::Raw(Levels::Device(tensor), coding) => Some((tensor, *coding)),
            _ => None,
        }
    }

    /// Columns and rows as it is stored, and how it is turned upright.
    pub(crate) fn stored(&self) -> ((usize, usize), Orientation) {
        (self.stored, self.orientation)
    }

    /// What is stored, decoded, and not turned upright.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub(crate) fn decode_stored<'w>(
        self,
        workspace: &'w mut Workspace,
    ) -> Result<Stored<'w>, PictureError>
    where
        'a: 'w,
    {
        let pixels = &mut workspace.pixels;
        let layout = match self.source {
            Source::Jpeg(jpeg) => jpeg.decode(pixels)?,
            Source::Png(png) => Layout::Interleaved(png.decode(pixels)?),
            Source::Raw(levels, coding) => return Ok(Stored::Bytes(levels.on_host()?, coding)),
        };
        match layout {
            Layout::Planes(planes) => planes.picture(pixels).map(Stored::Planes).map_err(raw),
            Layout::Interleaved(format) => Ok(Stored::Bytes(pixels, Coding::Levels(format))),
        }
    }

    fn upright(source: Source<'a>, stored: (usize, usize)) -> Self {
        Self { source, stored, orientation: Orientation::default() }
    }

    /// Columns and rows, when it is upright.
    pub fn size(&self) -> (usize, usize) {
        self.orientation.turned(self.stored)
    }

    /// Its pixels, upright.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub fn decode<'w>(self, workspace: &'w mut Workspace) -> Result<Image<'w>, PictureError>
    where
        'a: 'w,
    {
        let Workspace { pixels, upright } = workspace;
        let (size, stored, orientation) = (self.size(), self.stored, self.orientation);
        let layout = match self.source {
            Source::Jpeg(jpeg) => jpeg.decode(pixels)?,
            Source::Png(png) => Layout::Interleaved(png.decode(pixels)?),
            Source::Raw(levels, Coding::Levels(format)) => {
                return Image::new(levels.on_host()?, format, stored).map_err(raw);
            }
            Source::Raw(levels, Coding::Nv12) => {
                pixels.clear();
                pixels.resize(3 * stored.0 * stored.1, 0);
                nv12_to_rgb(levels.on_host()?, stored, pixels).map_err(raw)?;
                Layout::Interleaved(PixelFormat::Rgb)
            }
        };
        let format = match layout {
            Layout::Planes(planes) if orientation.is_upright() => {
                return planes.picture(pixels).map(Image::from).map_err(raw);
            }
            Layout::Planes(planes) => {
                upright.resize(3 * stored.0 * stored.1, 0);
                planes.picture(pixels).and_then(|ycc| ycc.write_rgb(upright)).map_err(raw)?;
                std::mem::swap(pixels, upright);
                PixelFormat::Rgb
            }
            Layout::Interleaved(format) => format,
        };
        if orientation.is_upright() {
            return Image::new(pixels, format, size).map_err(raw);
        }
        upright.clear();
        upright.resize(pixels.len(), 0);
        orient(pixels, format, stored, orientation, upright).map_err(raw)?;
        Image::new(upright, format, size).map_err(raw)
    }
}

/// How the bytes of a picture are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Row by row, without gaps.
    Levels(PixelFormat),
    /// Luma, and then pairs of chroma.
    Nv12,
}

/// A decoded picture as it is stored.
pub(crate) enum Stored<'w> {
    /// As it can be copied.
    Bytes(&'w [u8], Coding),
    /// Luma and chroma apart, which become RGB where they are written.
    Planes(Ycc<'w>),
}

impl Stored<'_> {
    /// What [`Stored::write`] writes.
    pub(crate) fn coding(&self) -> Coding {
        match self {
            Self::Bytes(_, coding) => *coding,
            Self::Planes(_) => Coding::Levels(PixelFormat::Rgb),
        }
    }

    /// How many bytes that is.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes, _) => bytes.len(),
            Self::Planes(planes) => PixelFormat::Rgb.channels() * planes.size().0 * planes.size().1,
        }
    }

    /// Writes all of it to `to`, which has that size.
    pub(crate) fn write(&self, to: &mut [u8]) {
        match self {
            Self::Bytes(bytes, _) => to.copy_from_slice(bytes),
            // Its only error is another size.
            Self::Planes(planes) => planes.write_rgb(to).unwrap_or_else(|_| to.fill(0)),
        }
    }
}

fn check_pixels((width, height): (usize, usize), pixels_max: usize) -> Result<(), PictureError> {
    if width.checked_mul(height).is_none_or(|pixels| pixels > pixels_max) {
        return Err(PictureError::TooLarge { width, height, pixels_max });
    }
    Ok(())
}

fn raw(error: ViewError) -> PictureError {
    PictureError::Raw(error.to_string())
}
