//! Drawing pictures into a model's tensor: `resize.cu` and `antialias.cu`.

use bytemuck::{Pod, Zeroable};

use super::picture::{PICTURES_MAX, Placed};
use super::region::count;
use super::{Drawing, Element, Launch, LaunchError, Region, blocks};
use crate::cpu::{ChannelOrder, Layout, Rendering};

/// Threads of a block along x and y: `COLUMNS` and `ROWS` of the kernels.
const BLOCK: [u32; 2] = [32, 8];

/// Threads of a block of `antialias_down`.
const DOWN_THREADS: u32 = 256;

/// Pictures that are drawn side by side into one tensor, whatever their sizes. Twin:
/// [`crate::cpu::render`].
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// What is drawn, all on canvases of one size.
    pub drawings: &'a [Drawing],
    /// How.
    pub rendering: &'a Rendering,
    /// As what.
    pub element: Element,
    /// A canvas in all channels for each of `drawings`.
    pub target: Region,
}

/// Two launches, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Passes {
    /// Along y, into scratch memory.
    pub down: Launch<Down>,
    /// Along x, into the target.
    pub across: Launch<Across>,
}

/// The argument of `resize_*`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Resize {
    target: u64,
    canvas: Canvas,
    pictures: [Placed; PICTURES_MAX],
}

/// The argument of `antialias_down`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Down {
    scratch: u64,
    pictures: [Placed; PICTURES_MAX],
}

/// The argument of `antialias_across_*`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Across {
    target: u64,
    canvas: Canvas,
    scratch: u64,
    pictures: [Placed; PICTURES_MAX],
}

/// `Canvas` of `picture.cuh`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Canvas {
    channel_stride: i64,
    row_stride: i64,
    pixel_stride: i64,
    picture_stride: i64,
    size: [u32; 2],
    channels: u32,
    mean: [f32; 3],
    scale: [f32; 3],
    pad: [f32; 3],
}

/// Most that a kernel's parameters may be.
const PARAMETERS_BYTES_MAX: usize = 4096;
const _: () = assert!(size_of::<Resize>() <= PARAMETERS_BYTES_MAX);
const _: () = assert!(size_of::<Across>() <= PARAMETERS_BYTES_MAX);

impl Draw<'_> {
    /// Draws by 2x2 pixels, whatever the rendering's filter.
    ///
    /// # Errors
    /// When a side is out of bounds, canvases differ, or the target has another size.
    pub fn bilinear(&self) -> Result<Vec<Launch<Resize>>, LaunchError> {
        let kernel = match self.element {
            Element::U8 => "resize_u8",
            Element::F16 => "resize_f16",
            Element::F32 => "resize_f32",
            Element::F64 => "resize_f64",
        };
        self.chunks(|drawings, target, canvas| {
            let (pictures, _) = placed(drawings)?;
            let argument = Resize { target, canvas, pictures };
            self.launch(kernel, drawings.len(), argument)
        })
    }

    /// Bytes that [`Draw::antialiased`] needs beside the target.
    pub fn scratch_bytes(&self) -> usize {
        let of_chunk = |drawings: &[Drawing]| {
            let elements = |drawing| Placed::scratch(drawing).iter().product::<usize>();
            drawings.iter().map(elements).sum::<usize>()
        };
        let most = self.drawings.chunks(PICTURES_MAX).map(of_chunk).max();
        most.unwrap_or_default() * size_of::<f32>()
    }

    /// Draws by all pixels that one covers, in pairs of passes, one after the other: they share
    /// `scratch`, which has [`Draw::scratch_bytes`].
    ///
    /// # Errors
    /// As [`Draw::bilinear`], or when the scratch memory has another size.
    pub fn antialiased(&self, scratch: Region) -> Result<Vec<Passes>, LaunchError> {
        let elements = self.scratch_bytes() / size_of::<f32>();
        let scratch = scratch.elements("scratch memory", elements, size_of::<f32>())?;
        let kernel = match self.element {
            Element::U8 => "antialias_across_u8",
            Element::F16 => "antialias_across_f16",
            Element::F32 => "antialias_across_f32",
            Element::F64 => "antialias_across_f64",
        };
        self.chunks(|drawings, target, canvas| {
            let (pictures, [length, rows]) = placed(drawings)?;
            let across = Across { target, canvas, scratch, pictures };
            let down = Launch {
                kernel: "antialias_down",
                blocks: blocks([
                    count("levels of a row", length)?.div_ceil(DOWN_THREADS),
                    count("rows", rows)?.max(1),
                    count("pictures", drawings.len())?,
                ])?,
                threads: [DOWN_THREADS, 1, 1],
                argument: Down { scratch, pictures },
            };
            let across = self.launch(kernel, drawings.len(), across)?;
            Ok(Passes { down, across })
        })
    }

    /// What `make` makes of as many drawings as fit a launch, of where they are drawn, and of the
    /// canvas.
    fn chunks<T>(
        &self,
        make: impl Fn(&[Drawing], u64, Canvas) -> Result<T, LaunchError>,
    ) -> Result<Vec<T>, LaunchError> {
        let Some(first) = self.drawings.first() else { return Ok(Vec::new()) };
        let one = first.frame.canvas;
        if let Some(other) = self.drawings.iter().find(|drawing| drawing.frame.canvas != one) {
            return Err(LaunchError::Canvases { one, two: other.frame.canvas });
        }
        first.frame.check()?;
        let (canvas, red) = Canvas::of(self.rendering, one)?;
        let (width, height) = one;
        let elements = self.rendering.order.channels() * width * height;
        let element_bytes = self.element.size_bytes();
        let numbers = elements.saturating_mul(self.drawings.len());
        let target = self.target.elements("pictures of a tensor", numbers, element_bytes)?;
        let chunk_bytes = PICTURES_MAX * elements * element_bytes;
        let chunks = self.drawings.chunks(PICTURES_MAX).enumerate();
        chunks
            .map(|(index, drawings)| {
                let start = index * chunk_bytes + red * element_bytes;
                make(drawings, target + start as u64, canvas)
            })
            .collect()
    }

    /// A thread for each pixel of each canvas.
    fn launch<A>(
        &self,
        kernel: &'static str,
        pictures: usize,
        argument: A,
    ) -> Result<Launch<A>, LaunchError> {
        let (width, height) = self.drawings.first().map_or((1, 1), |first| first.frame.canvas);
        let [columns, rows] = BLOCK;
        Ok(Launch {
            kernel,
            blocks: blocks([
                count("columns", width)?.div_ceil(columns),
                count("rows", height)?.div_ceil(rows),
                count("pictures", pictures)?,
            ])?,
            threads: [columns, rows, 1],
            argument,
        })
    }
}

/// The drawings of a launch, and the most levels of a row and rows of scratch memory among them.
fn placed(drawings: &[Drawing]) -> Result<([Placed; PICTURES_MAX], [usize; 2]), LaunchError> {
    let mut all = [Placed::zeroed(); PICTURES_MAX];
    let (mut scratch, mut most) = (0, [0, 0]);
    for (placed, drawing) in all.iter_mut().zip(drawings) {
        *placed = Placed::of(drawing, scratch)?;
        let [length, rows] = Placed::scratch(drawing);
        scratch += length * rows;
        most = [most[0].max(length), most[1].max(rows)];
    }
    Ok((all, most))
}

impl Canvas {
    /// The canvas, and where in it the first pixel's red is. Kernels know no order of channels: of
    /// BGR, red is the last one.
    fn of(rendering: &Rendering, size: (usize, usize)) -> Result<(Self, usize), LaunchError> {
        let (width, height) = (count("columns", size.0)?, count("rows", size.1)?);
        let Rendering { order, layout, mut mean, mut scale, mut pad, .. } = *rendering;
        let channels = count("channels", order.channels())?;
        let (wide, many) = (i64::from(width), i64::from(channels));
        let pixels = wide * i64::from(height);
        let [mut channel_stride, row_stride, pixel_stride] = match layout {
            Layout::Planar => [pixels, wide, 1],
            Layout::Interleaved => [1, wide * many, many],
        };
        let mut red = 0;
        if order == ChannelOrder::Bgr {
            red = match layout {
                Layout::Planar => 2 * size.0 * size.1,
                Layout::Interleaved => 2,
            };
            channel_stride = -channel_stride;
            for numbers in [&mut mean, &mut scale, &mut pad] {
                numbers.reverse();
            }
        }
        let picture_stride = pixels * many;
        let size = [width, height];
        let strides = [channel_stride, row_stride, pixel_stride, picture_stride];
        let [channel_stride, row_stride, pixel_stride, picture_stride] = strides;
        let canvas = Self {
            channel_stride,
            row_stride,
            pixel_stride,
            picture_stride,
            size,
            channels,
            mean,
            scale,
            pad,
        };
        Ok((canvas, red))
    }
}
