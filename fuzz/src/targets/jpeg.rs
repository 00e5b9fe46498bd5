//! A JPEG: its structure, and its pixels.

use nereid_backend_image::jpeg::{Encoded, JpegError};

use crate::memory::bounded;

/// Small, so that many pictures are decoded.
const PIXELS_MAX: usize = 64 << 10;

/// What reading the header takes: the decoder's tables, and what the file says of itself.
fn header_bytes_max(file: &[u8]) -> usize {
    (256 << 10) + 8 * file.len()
}

/// What decoding takes: pixels, and coefficients of a progressive one, in whole blocks.
const DECODING_BYTES_MAX: usize = 64 * PIXELS_MAX;

pub(super) fn run(data: &[u8]) {
    let clean = decoded(data, Vec::new());
    // What was in memory before is not seen.
    assert_eq!(decoded(data, vec![0xA5; 3 * PIXELS_MAX]), clean);
}

fn decoded(data: &[u8], mut pixels: Vec<u8>) -> Result<(usize, usize, Vec<u8>), JpegError> {
    let encoded = bounded(header_bytes_max(data), || Encoded::open(data, PIXELS_MAX));
    let encoded = encoded.inspect_err(check_error)?;
    let (width, height) = encoded.size();
    assert!((1..=PIXELS_MAX).contains(&(width * height)), "{width} x {height}");
    let bytes_max = DECODING_BYTES_MAX + 8 * data.len();
    let made = bounded(bytes_max, || encoded.decode(&mut pixels).map(drop));
    made.inspect_err(check_error)?;
    assert_eq!(pixels.len(), 3 * width * height);
    Ok((width, height, pixels))
}

fn check_error(error: &JpegError) {
    let text = error.to_string();
    assert!(text.len() <= 1000 && !text.contains('\n'), "{text}");
}
