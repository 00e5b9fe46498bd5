//! The picture of the benches.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// A JPEG of this size with waves and grain; some 240 KB of 1280x720.
///
/// # Panics
/// If a side is 0.
pub(crate) fn jpeg((width, height): (u16, u16)) -> Vec<u8> {
    let mut state = 1_u32;
    let mut levels = Vec::new();
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            for slope in [3, 5, 7] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = (x * slope + y * (9 - slope)) / 4 % 512;
                let level = wave.min(511 - wave) / 2 + (state >> 24) / 16;
                levels.push(u8::try_from(level).unwrap_or(255));
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&levels, width, height, ColorType::Rgb).expect("a picture");
    file
}
