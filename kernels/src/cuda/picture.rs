//! Pictures in a device's memory, and where they are drawn.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{LaunchError, Region};
use crate::cpu::{Frame, Orientation, PixelFormat, ViewError};

/// Pictures that a launch draws: `PICTURES_MAX` in `picture.cuh`.
pub(super) const PICTURES_MAX: usize = 48;

/// 8-bit levels in device memory: red, green and blue at equal distances, rows at equal distances,
/// in any direction. So crops and orientations are other views of the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    red: u64,
    pixel_stride: i64,
    row_stride: i64,
    channel_stride: i64,
    width: usize,
    height: usize,
}

/// A picture, and where it lies on its canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// What is drawn.
    pub picture: Picture,
    /// Where.
    pub frame: Frame,
}

/// The types of elements that pictures are drawn as, see [`crate::cpu::Level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `u8`.
    U8,
    /// `f16`.
    F16,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

impl Element {
    /// Size of an element.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl Picture {
    /// `height` rows of `width` interleaved pixels, without gaps, which fill `memory`.
    ///
    /// # Errors
    /// When a side is out of bounds, or the memory has another size.
    pub fn interleaved(
        memory: Region,
        format: PixelFormat,
        size: (usize, usize),
    ) -> Result<Self, LaunchError> {
        let (red, channel_stride) = match format {
            PixelFormat::Rgb => (0, 1),
            PixelFormat::Bgr => (2, -1),
            PixelFormat::Gray => (0, 0),
        };
        let channels = format.channels();
        let (row_bytes, _) = Self::check(memory, channels, size)?;
        Ok(Self {
            red: memory.address() + red,
            pixel_stride: signed(channels),
            row_stride: signed(row_bytes),
            channel_stride,
            width: size.0,
            height: size.1,
        })
    }

    /// A plane of `width` x `height` levels for each of red, green and blue, without gaps, which
    /// fill `memory`.
    ///
    /// # Errors
    /// When a side is out of bounds, or the memory has another size.
    pub fn planar(memory: Region, size: (usize, usize)) -> Result<Self, LaunchError> {
        let (row_bytes, size_bytes) = Self::check(memory, 3, size)?;
        Ok(Self {
            red: memory.address(),
            pixel_stride: 1,
            row_stride: signed(row_bytes / 3),
            channel_stride: signed(size_bytes / 3),
            width: size.0,
            height: size.1,
        })
    }

    /// Bytes of a row and of all, in all channels.
    fn check(
        memory: Region,
        channels: usize,
        (width, height): (usize, usize),
    ) -> Result<(usize, usize), LaunchError> {
        crate::cpu::check_axes(width, height)?;
        let row_bytes = channels * width;
        let address = memory.elements("a picture", row_bytes * height, 1)?;
        debug_assert_eq!(address, memory.address());
        Ok((row_bytes, row_bytes * height))
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The part of `width` x `height` pixels whose first pixel is at `left`, `top`.
    ///
    /// # Errors
    /// When it is empty or not inside of this picture.
    pub fn part(
        self,
        (left, top): (usize, usize),
        (width, height): (usize, usize),
    ) -> Result<Self, ViewError> {
        crate::cpu::check_axes(width, height)?;
        crate::cpu::check_inside(left, width, self.width)?;
        crate::cpu::check_inside(top, height, self.height)?;
        let by = signed(left) * self.pixel_stride + signed(top) * self.row_stride;
        Ok(Self { red: self.red.wrapping_add_signed(by), width, height, ..self })
    }

    /// The picture upright, of which this one is as it is stored.
    pub fn upright(self, orientation: Orientation) -> Self {
        let flip = |stride: i64, side: usize, is_flipped: bool| {
            if is_flipped { (signed(side - 1) * stride, -stride) } else { (0, stride) }
        };
        let (x, pixel_stride) = flip(self.pixel_stride, self.width, orientation.is_flipped_x);
        let (y, row_stride) = flip(self.row_stride, self.height, orientation.is_flipped_y);
        let (width, height) = orientation.turned(self.size());
        let [pixel_stride, row_stride] = if orientation.is_transposed {
            [row_stride, pixel_stride]
        } else {
            [pixel_stride, row_stride]
        };
        let red = self.red.wrapping_add_signed(x + y);
        Self { red, pixel_stride, row_stride, width, height, ..self }
    }

    /// Levels of a pixel in memory.
    pub(super) fn channels(&self) -> usize {
        if self.channel_stride == 0 { 1 } else { 3 }
    }
}

/// `Picture` of `picture.cuh`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Placed {
    red: u64,
    strides: [i64; 3],
    size: [u32; 2],
    resized: [u32; 2],
    left: u32,
    right: u32,
    top: u32,
    bottom: u32,
    first: [u32; 2],
    scratch: u64,
}

impl Placed {
    /// Its rows are drawn by way of the scratch memory from element `scratch` on.
    pub(super) fn of(drawing: &Drawing, scratch: usize) -> Result<Self, LaunchError> {
        let Drawing { picture, frame } = drawing;
        frame.check()?;
        let [across, down] = frame.axes();
        let (columns, rows) = (across.covered(), down.covered());
        let side = |side: usize| count("pixels of a side", side);
        Ok(Self {
            red: picture.red,
            strides: [picture.pixel_stride, picture.row_stride, picture.channel_stride],
            size: [side(picture.width)?, side(picture.height)?],
            resized: [side(frame.picture.0)?, side(frame.picture.1)?],
            left: side(columns.start)?,
            right: side(columns.end)?,
            top: side(rows.start)?,
            bottom: side(rows.end)?,
            first: [side(across.first())?, side(down.first())?],
            scratch: scratch as u64,
        })
    }

    /// Elements of a row of scratch memory, and rows.
    pub(super) fn scratch(drawing: &Drawing) -> [usize; 2] {
        let [_, down] = drawing.frame.axes();
        [drawing.picture.channels() * drawing.picture.width, down.covered().len()]
    }
}

/// Sides have 16 bits, and a picture's bytes 34.
fn signed(size: usize) -> i64 {
    size.cast_signed() as i64
}
