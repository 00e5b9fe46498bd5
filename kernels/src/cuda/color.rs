//! From planes of luma and chroma to RGB: `color.cu`.

use bytemuck::{Pod, Zeroable};

use super::region::count;
use super::{Launch, LaunchError, Region, blocks};
use crate::cpu::{ViewError, check_axes};

/// Pictures of a launch: `PLANES_MAX` of the kernel.
const PLANES_MAX: usize = 80;

/// Threads of a block along x and y, each of which makes 2x2 pixels.
const BLOCK: [u32; 2] = [32, 8];

/// A picture to be converted.
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    /// Columns and rows.
    pub size: (usize, usize),
    /// Its planes one after the other: luma, then pairs (Cb, Cr) or a plane of each.
    pub planes: Region,
    /// Three bytes for each pixel.
    pub rgb: Region,
}

/// The argument of both kernels.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Convert {
    pictures: [Picture; PLANES_MAX],
}

/// `Planes` of the kernel.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Picture {
    luma: u64,
    blue: u64,
    red: u64,
    rgb: u64,
    luma_stride: u32,
    chroma_stride: u32,
    size: [u32; 2],
}

/// NV12 of video, of even sides. Twin: [`crate::cpu::nv12_to_rgb`].
///
/// # Errors
/// When a side is out of bounds or odd, or memory has another size.
pub fn nv12_to_rgb(pictures: &[Planes]) -> Result<Vec<Launch<Convert>>, LaunchError> {
    launches("nv12_to_rgb", pictures, |planes| {
        let (width, height) = planes.size;
        if !(width.is_multiple_of(2) && height.is_multiple_of(2)) {
            return Err(ViewError::Odd { width, height }.into());
        }
        let luma = planes.planes.elements("NV12", width * height / 2 * 3, 1)?;
        let blue = luma + (width * height) as u64;
        Ok(Chroma { luma, blue, red: blue + 1, stride: width })
    })
}

/// YCbCr 4:2:0 of JPEG, planes without gaps. Twin: [`crate::cpu::ycbcr420_to_rgb`].
///
/// # Errors
/// When a side is out of bounds, or memory has another size.
pub fn ycbcr420_to_rgb(pictures: &[Planes]) -> Result<Vec<Launch<Convert>>, LaunchError> {
    launches("ycbcr420_to_rgb", pictures, |planes| {
        let (width, height) = planes.size;
        let stride = width.div_ceil(2);
        let chroma = stride * height.div_ceil(2);
        let luma = planes.planes.elements("YCbCr 4:2:0", width * height + 2 * chroma, 1)?;
        let blue = luma + (width * height) as u64;
        Ok(Chroma { luma, blue, red: blue + chroma as u64, stride })
    })
}

/// Where the planes of a picture are.
struct Chroma {
    luma: u64,
    blue: u64,
    red: u64,
    stride: usize,
}

fn launches(
    kernel: &'static str,
    pictures: &[Planes],
    find: impl Fn(&Planes) -> Result<Chroma, LaunchError>,
) -> Result<Vec<Launch<Convert>>, LaunchError> {
    let place = |planes: &Planes| {
        let (width, height) = planes.size;
        check_axes(width, height)?;
        let Chroma { luma, blue, red, stride } = find(planes)?;
        let rgb = planes.rgb.elements("RGB", 3 * width * height, 1)?;
        let size = [count("columns", width)?, count("rows", height)?];
        let chroma_stride = count("chroma of a row", stride)?;
        let luma_stride = size[0];
        Ok::<_, LaunchError>(Picture { luma, blue, red, rgb, luma_stride, chroma_stride, size })
    };
    let launch = |pictures: &[Planes]| {
        let mut argument = Convert::zeroed();
        let mut most = [1, 1];
        for (to, planes) in argument.pictures.iter_mut().zip(pictures) {
            *to = place(planes)?;
            most = [most[0].max(to.size[0]), most[1].max(to.size[1])];
        }
        let [columns, rows] = BLOCK;
        let blocks = blocks([
            most[0].div_ceil(2).div_ceil(columns),
            most[1].div_ceil(2).div_ceil(rows),
            count("pictures", pictures.len())?,
        ])?;
        Ok(Launch { kernel, blocks, threads: [columns, rows, 1], argument })
    };
    pictures.chunks(PLANES_MAX).map(launch).collect()
}
