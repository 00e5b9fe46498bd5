//! Which files nvJPEG is given, by what it says of them. All others are for the decoder on the CPU, which
//! decodes them, or says what is wrong with them.

use super::Backend;
use super::status::{self, Failure};
use super::sys::{
    File, NVJPEG_CSS_UNKNOWN, NVJPEG_ENCODING_BASELINE_DCT, NVJPEG_ENCODING_PROGRESSIVE_DCT_HUFFMAN,
};

/// Samples along each side of a block, and bytes of a coefficient.
const BLOCK_SIDE: u32 = 8;
const COEFFICIENT_BYTES: usize = 2;

/// Refuses a file whose frame is not what was said of it, or which may decode to other colours. How many
/// bytes are uploaded to decode the others.
///
/// # Errors
/// Why, for people.
pub(super) fn check(
    file: File<'_>,
    (width, height): (usize, usize),
    backend: Backend,
) -> Result<usize, String> {
    let told = |failure: Failure| failure.to_string();
    let size = file.size().map_err(told)?;
    if (usize::try_from(size.0), usize::try_from(size.1)) != (Ok(width), Ok(height)) {
        return Err(format!(
            "nvJPEG takes it for {} x {} pixels, and its header says {width} x {height}",
            size.0, size.1
        ));
    }
    // Extended files may have 12 bits.
    let encodings = [NVJPEG_ENCODING_BASELINE_DCT, NVJPEG_ENCODING_PROGRESSIVE_DCT_HUFFMAN];
    let encoding = file.encoding().map_err(told)?;
    if !encodings.contains(&encoding) {
        return Err(format!(
            "it is neither baseline nor progressive, but of frame {encoding:#04x}"
        ));
    }
    let components = file.components().map_err(told)?;
    if !matches!(components, 1 | 3) {
        return Err(format!("it has {components} colours, not 1 or 3"));
    }
    if file.subsampling().map_err(told)? == NVJPEG_CSS_UNKNOWN {
        return Err("its colours are sampled in an unusual way".into());
    }
    uploaded_bytes(file, backend).map_err(told)
}

/// The library says nothing of it. It is the file, or 16 bits for each coefficient.
fn uploaded_bytes(file: File<'_>, backend: Backend) -> status::Result<usize> {
    let is_decoded_on_device = match backend {
        Backend::Hardware => true,
        Backend::GpuHybrid => file.encoding()? == NVJPEG_ENCODING_BASELINE_DCT,
        Backend::Default => false,
    };
    if is_decoded_on_device {
        return Ok(file.bytes().len());
    }
    let mut blocks = 0;
    for component in 0..file.components()? {
        let (width, height) = file.component_size(component)?;
        blocks += width.div_ceil(BLOCK_SIDE) as usize * height.div_ceil(BLOCK_SIDE) as usize;
    }
    Ok(blocks * (BLOCK_SIDE * BLOCK_SIDE) as usize * COEFFICIENT_BYTES)
}
