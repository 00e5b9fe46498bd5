//! JPEGs for tests, made on the spot.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// A picture so smooth that little of it is lost where chroma is subsampled; at most 100 x 100.
pub(crate) fn picture(width: usize, height: usize) -> Vec<u8> {
    let level = |position: usize| u8::try_from(20 + 2 * position).unwrap();
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (red, green) = (level(x), level(y));
            bytes.extend([red, green, 240 - red]);
        }
    }
    bytes
}

/// `picture` as a JPEG; `set` may change how it is encoded.
pub(crate) fn encode(
    (width, height): (usize, usize),
    color: ColorType,
    set: impl Fn(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut pixels = picture(width, height);
    match color {
        ColorType::Luma => pixels = pixels.chunks_exact(3).map(|rgb| rgb[1]).collect(),
        ColorType::Cmyk => {
            let inverted = |rgb: &[u8]| [255 - rgb[0], 255 - rgb[1], 255 - rgb[2], 0];
            pixels = pixels.chunks_exact(3).flat_map(inverted).collect();
        }
        _ => {}
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    set(&mut encoder);
    let side = |pixels: usize| u16::try_from(pixels).unwrap();
    encoder.encode(&pixels, side(width), side(height), color).unwrap();
    file
}

/// A plain JPEG of [`picture`].
pub(crate) fn jpeg(width: usize, height: usize) -> Vec<u8> {
    encode((width, height), ColorType::Rgb, |_| {})
}

/// One of each kind, with a name.
pub(crate) fn kinds(size: (usize, usize)) -> Vec<(String, Vec<u8>)> {
    use SamplingFactor as S;
    let mut kinds = Vec::new();
    // Baseline files of the last four have their colours in separate scans.
    for sampling in [S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2, S::F_4_1, S::F_4_2, S::F_1_4, S::F_2_4]
    {
        for is_progressive in [false, true] {
            for interval in [0, 3] {
                let file = encode(size, ColorType::Rgb, |encoder| {
                    encoder.set_sampling_factor(sampling);
                    encoder.set_progressive(is_progressive);
                    encoder.set_restart_interval(interval);
                });
                let name =
                    format!("{sampling:?}, progressive {is_progressive}, restart {interval}");
                kinds.push((name, file));
            }
        }
    }
    for color in [ColorType::Luma, ColorType::Cmyk] {
        for is_progressive in [false, true] {
            let file = encode(size, color, |encoder| encoder.set_progressive(is_progressive));
            kinds.push((format!("{color:?}, progressive {is_progressive}"), file));
        }
    }
    kinds
}
