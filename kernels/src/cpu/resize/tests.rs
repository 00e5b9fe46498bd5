use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::*;

type Size = (usize, usize);

/// Bytes without a pattern that resizing could hide, the same in each run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// Three planes without padding.
fn resize(bytes: &[u8], from: Size, to: Size, normalization: &Normalization) -> Vec<f32> {
    let mut out = vec![f32::NAN; 3 * to.0 * to.1];
    let image = RgbImage::new(bytes, from.0, from.1).unwrap();
    let mut target = Planes::new(&mut out, to.0, to).unwrap();
    resize_normalize(&image, &mut target, normalization, f32::NAN);
    out
}

/// A picture of which every pixel is grey.
fn grey(levels: &[u8]) -> Vec<u8> {
    levels.iter().flat_map(|&level| [level; 3]).collect()
}

#[test]
fn small_pictures_by_hand() {
    let cases: [(&[u8], Size, Size, &[f32]); 6] = [
        (&[10, 20], (2, 1), (4, 1), &[10.0, 12.5, 17.5, 20.0]),
        (&[10, 20], (1, 2), (1, 4), &[10.0, 12.5, 17.5, 20.0]),
        (&[0, 10, 20, 70], (2, 2), (1, 1), &[25.0]),
        (&[0, 10, 20, 30], (4, 1), (2, 1), &[5.0, 25.0]),
        (&[7], (1, 1), (2, 2), &[7.0; 4]),
        (&[0, 100, 200], (3, 1), (1, 1), &[100.0]),
    ];
    for (levels, from, to, expected) in cases {
        let got = resize(&grey(levels), from, to, &Normalization::default());
        assert_eq!(got, expected.repeat(3), "{from:?} to {to:?}");
    }
}

#[test]
fn the_same_size_changes_nothing() {
    for (width, height) in [(1, 1), (7, 1), (1, 7), (33, 21)] {
        let bytes = noise(3 * width * height);
        let size = (width, height);
        let got = resize(&bytes, size, size, &Normalization::default());
        let expected: Vec<f32> = (0..3)
            .flat_map(|c| bytes.iter().skip(c).step_by(3).map(|&level| f32::from(level)))
            .collect();
        assert_eq!(got, expected, "{size:?}");
    }
}

#[test]
fn planes_follow_the_order_and_have_their_own_mean_and_scale() {
    let (mean, scale) = ([1.0, 2.0, 3.0], [1.0, 10.0, 0.5]);
    let cases = [(ChannelOrder::Rgb, [10.0, 190.0, 14.0]), (ChannelOrder::Bgr, [30.0, 190.0, 4.0])];
    for (order, expected) in cases {
        let got = resize(&[11, 21, 31], (1, 1), (1, 1), &Normalization { order, mean, scale });
        assert_eq!(got, expected, "{order:?}");
    }
}

#[test]
fn what_is_right_of_the_picture_is_padding() {
    let bytes = grey(&[1, 2, 3, 4]);
    let image = RgbImage::new(&bytes, 2, 2).unwrap();
    let mut out = vec![f32::NAN; 3 * 3 * 2];
    let mut target = Planes::new(&mut out, 3, (2, 2)).unwrap();
    resize_normalize(&image, &mut target, &Normalization::default(), -1.0);
    assert_eq!(out, [1.0, 2.0, -1.0, 3.0, 4.0, -1.0].repeat(3));
}

fn reference(bytes: &[u8], pixel: PixelType, from: Size, to: Size) -> Vec<u8> {
    let side = |axis: usize| u32::try_from(axis).unwrap();
    let mut source = Image::new(side(from.0), side(from.1), pixel);
    source.buffer_mut().copy_from_slice(bytes);
    let mut target = Image::new(side(to.0), side(to.1), pixel);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).unwrap();
    target.buffer().to_vec()
}

fn check_close(got: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    let plane = got.len() / 3;
    assert_eq!(got.len(), expected.len());
    for (index, &level) in expected.iter().enumerate() {
        let got = got[index % 3 * plane + index / 3];
        assert!((got - level).abs() <= tolerance, "{what}: {got} is not {level} at {index}");
    }
}

#[test]
fn agrees_with_fast_image_resize() {
    let cases = [
        ((64, 48), (64, 48)),
        ((64, 48), (32, 24)),
        ((64, 48), (31, 17)),
        ((64, 48), (200, 131)),
        ((191, 107), (22, 22)),
        ((191, 107), (22, 300)),
        ((1, 50), (40, 20)),
        ((50, 1), (20, 40)),
        ((640, 2), (3, 1)),
        ((2, 2), (1, 1)),
    ];
    for (from, to) in cases {
        let bytes = noise(3 * from.0 * from.1);
        let got = resize(&bytes, from, to, &Normalization::default());

        // It rounds each of two passes to whole levels, by half a level at most.
        let expected = reference(&bytes, PixelType::U8x3, from, to);
        let expected: Vec<f32> = expected.into_iter().map(f32::from).collect();
        check_close(&got, &expected, 1.001, &format!("bytes, {from:?} to {to:?}"));

        // In floats it rounds nothing.
        let floats: Vec<u8> = bytes.iter().flat_map(|&b| f32::from(b).to_ne_bytes()).collect();
        let expected = reference(&floats, PixelType::F32x3, from, to);
        let (floats, _) = expected.as_chunks();
        let expected: Vec<f32> = floats.iter().map(|&bytes| f32::from_ne_bytes(bytes)).collect();
        check_close(&got, &expected, 1e-3, &format!("floats, {from:?} to {to:?}"));
    }
}
