//! A file with a picture: its structure, which way up it is, and its pixels.

use nereid_backend_image::error::PictureError;
use nereid_backend_image::picture::{Acceptance, ExifOrientation, Picture, Workspace};
use nereid_kernels::cpu::{Frame, Layout, Rendering, render};

use crate::memory::bounded;

/// Small, so that many pictures are decoded.
const PIXELS_MAX: usize = 64 << 10;

const ACCEPTANCE: Acceptance =
    Acceptance { pixels_max: PIXELS_MAX, orientation: ExifOrientation::Apply };

/// What reading the header takes: the decoder's tables, and what the file says of itself.
fn header_bytes_max(file: &[u8]) -> usize {
    (256 << 10) + 8 * file.len()
}

/// What decoding takes: pixels, and coefficients of a progressive one, in whole blocks.
const DECODING_BYTES_MAX: usize = 64 * PIXELS_MAX;

pub(super) fn run(data: &[u8]) {
    let clean = decoded(data, Workspace::default());
    // What was in memory before is not seen.
    assert_eq!(decoded(data, Workspace::of(vec![0xA5; 3 * PIXELS_MAX])), clean);
}

/// The size of the picture, and its pixels as RGB.
fn decoded(
    data: &[u8],
    mut workspace: Workspace,
) -> Result<((usize, usize), Vec<u8>), PictureError> {
    let picture = bounded(header_bytes_max(data), || Picture::open(data, ACCEPTANCE));
    let picture = picture.inspect_err(check_error)?;
    let size = picture.size();
    assert!((1..=PIXELS_MAX).contains(&(size.0 * size.1)), "{size:?}");
    let bytes_max = DECODING_BYTES_MAX + 8 * data.len();
    let image = bounded(bytes_max, || picture.decode(&mut workspace));
    let image = image.inspect_err(check_error)?;
    assert_eq!(image.size(), size);
    let mut pixels = vec![0; 3 * size.0 * size.1];
    let rendering = Rendering { layout: Layout::Interleaved, ..Rendering::default() };
    let rendered = render(&image, &Frame::full(size), &rendering, &mut pixels);
    assert_eq!(rendered, Ok(()));
    Ok((size, pixels))
}

fn check_error(error: &PictureError) {
    let text = error.to_string();
    assert!(text.len() <= 1000 && !text.contains('\n'), "{text}");
}
