use fast_image_resize::images::Image as ReferenceImage;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::*;
use crate::cpu::PixelFormat;
use crate::cpu::taps::tap;

type Size = (usize, usize);
type Offset = (isize, isize);

/// Bytes without a pattern that resizing could hide, the same in each run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// `bytes` of RGB in a frame.
fn draw(bytes: &[u8], from: Size, frame: &Frame, rendering: &Rendering) -> Vec<f32> {
    let mut out = vec![f32::NAN; rendering.order.channels() * frame.canvas.0 * frame.canvas.1];
    let image = Image::new(bytes, PixelFormat::Rgb, from).unwrap();
    render(&image, frame, rendering, &mut out).unwrap();
    out
}

/// Without padding.
fn resize(bytes: &[u8], from: Size, to: Size, rendering: &Rendering) -> Vec<f32> {
    draw(bytes, from, &Frame::full(to), rendering)
}

const TRIANGLE: Rendering = Rendering {
    filter: Filter::Triangle,
    order: ChannelOrder::Rgb,
    layout: Layout::Planar,
    mean: [0.0; 3],
    scale: [1.0; 3],
    pad: [0.0; 3],
};

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
        let got = resize(&grey(levels), from, to, &Rendering::default());
        assert_eq!(got, expected.repeat(3), "{from:?} to {to:?}");
    }
}

#[test]
fn the_same_size_changes_nothing() {
    for (width, height) in [(1, 1), (7, 1), (1, 7), (33, 21)] {
        let bytes = noise(3 * width * height);
        let size = (width, height);
        let got = resize(&bytes, size, size, &Rendering::default());
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
        let got = resize(
            &[11, 21, 31],
            (1, 1),
            (1, 1),
            &Rendering { order, mean, scale, ..Rendering::default() },
        );
        assert_eq!(got, expected, "{order:?}");
    }
}

#[test]
fn a_picture_lies_in_its_frame() {
    let bytes = grey(&[1, 2, 3, 4]);
    let cases: [(Size, Offset, &[f32]); 5] = [
        ((3, 2), (0, 0), &[1.0, 2.0, -1.0, 3.0, 4.0, -1.0]),
        ((3, 3), (1, 1), &[-1.0, -1.0, -1.0, -1.0, 1.0, 2.0, -1.0, 3.0, 4.0]),
        ((1, 1), (-1, -1), &[4.0]),
        ((2, 2), (1, -1), &[-1.0, 3.0, -1.0, -1.0]),
        ((2, 1), (5, 0), &[-1.0, -1.0]),
    ];
    for (canvas, offset, expected) in cases {
        let frame = Frame { picture: (2, 2), canvas, offset };
        let rendering = Rendering { pad: [-1.0; 3], ..Rendering::default() };
        assert_eq!(draw(&bytes, (2, 2), &frame, &rendering), expected.repeat(3), "{frame:?}");
        let gray = Rendering { order: ChannelOrder::Gray, ..rendering };
        assert_eq!(draw(&bytes, (2, 2), &frame, &gray), expected, "{frame:?}");
        let interleaved = Rendering { layout: Layout::Interleaved, ..rendering };
        let expected: Vec<f32> = expected.iter().flat_map(|&level| [level; 3]).collect();
        assert_eq!(draw(&bytes, (2, 2), &frame, &interleaved), expected, "{frame:?}");
    }
}

#[test]
fn gray_is_luma_whatever_the_source() {
    let gray = Rendering {
        order: ChannelOrder::Gray,
        mean: [9.0, 0.0, 0.0],
        scale: [2.0, 0.0, 0.0],
        ..Rendering::default()
    };
    let luma = (10.0_f32 * 0.299 + 20.0 * 0.587) + 30.0 * 0.114;
    for (bytes, format) in [([10, 20, 30], PixelFormat::Rgb), ([30, 20, 10], PixelFormat::Bgr)] {
        let mut out = [f32::NAN];
        let image = Image::new(&bytes, format, (1, 1)).unwrap();
        render(&image, &Frame::full((1, 1)), &gray, &mut out).unwrap();
        assert_eq!(out.map(f32::to_bits), [((luma - 9.0) * 2.0).to_bits()]);
    }
}

#[test]
fn layouts_and_types_hold_the_same_levels() {
    let bytes = noise(3 * 31 * 19);
    let image = Image::new(&bytes, PixelFormat::Rgb, (31, 19)).unwrap();
    let frame = Frame { picture: (37, 23), canvas: (40, 30), offset: (2, 3) };
    let planar = Rendering { mean: [1.0, 2.0, 3.0], scale: [0.5, 0.9, 1.0], ..TRIANGLE };
    let levels = draw(&bytes, (31, 19), &frame, &planar);
    let interleaved = Rendering { layout: Layout::Interleaved, ..planar };
    let expected: Vec<f32> =
        (0..levels.len()).map(|index| levels[index % 3 * 1200 + index / 3]).collect();
    assert_eq!(draw(&bytes, (31, 19), &frame, &interleaved), expected);
    let mut doubles = vec![f64::NAN; levels.len()];
    render(&image, &frame, &planar, &mut doubles).unwrap();
    let expected: Vec<_> = levels.iter().map(|&level| f64::from(level)).collect();
    assert_eq!(doubles, expected);
    let mut bytes = vec![7; levels.len()];
    render(&image, &frame, &planar, &mut bytes).unwrap();
    assert!(bytes.iter().zip(&levels).all(|(byte, &level)| *byte == u8::of(level)));
}

/// What vectors of eight make is what one at a time makes, to the bit.
#[test]
fn every_width_has_the_stated_bits() {
    let bytes = noise(3 * 50);
    for target in [7, 8, 9, 33, 50, 64, 75, 99, 100, 150, 200] {
        let got = resize(&bytes, (50, 1), (target, 1), &Rendering::default());
        let expected: Vec<f32> = (0..target)
            .map(|x| {
                let tap = tap(50, target, x);
                let level = |x: usize| f32::from(bytes[3 * x.min(49)]);
                let (left, right) = (level(tap.first), level(tap.first + 1));
                left + (right - left) * tap.weight
            })
            .collect();
        assert_eq!(got[..target], expected, "{target}");
    }
}

/// A tensor so large that it is not written by way of the caches has the same bits.
#[test]
fn large_tensors_hold_the_same_levels() {
    let bytes = noise(3 * 50 * 40);
    for (width, left) in [(1000, 0), (1001, 3), (1003, 8)] {
        let frame = Frame { picture: (width - 8, 800), canvas: (width, 800), offset: (left, 0) };
        let large = draw(&bytes, (50, 40), &frame, &Rendering::default());
        for channel in [0, 2] {
            let part = Frame { canvas: (width, 9), ..frame };
            let small = draw(&bytes, (50, 40), &part, &Rendering::default());
            let plane = &large[channel * width * 800..][..width * 9];
            assert_eq!(plane, &small[channel * width * 9..][..width * 9], "{width}");
        }
    }
}

#[test]
fn sizes_are_checked() {
    let image = Image::new(&[0; 3], PixelFormat::Rgb, (1, 1)).unwrap();
    let rendering = Rendering::default();
    let size = Err(ViewError::Size { expected: 12, actual: 11 });
    assert_eq!(render(&image, &Frame::full((2, 2)), &rendering, &mut [0.0; 11]), size);
    let axis = Err(ViewError::Axis { width: 0, height: 2 });
    assert_eq!(render(&image, &Frame::full((0, 2)), &rendering, &mut [0.0; 0]), axis);
}

fn reference(bytes: &[u8], pixel: PixelType, alg: ResizeAlg, (from, to): (Size, Size)) -> Vec<u8> {
    let side = |axis: usize| u32::try_from(axis).unwrap();
    let mut source = ReferenceImage::new(side(from.0), side(from.1), pixel);
    source.buffer_mut().copy_from_slice(bytes);
    let mut target = ReferenceImage::new(side(to.0), side(to.1), pixel);
    let options = ResizeOptions::new().resize_alg(alg);
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
    let filters = [
        (Filter::Bilinear, ResizeAlg::Interpolation(FilterType::Bilinear)),
        (Filter::Triangle, ResizeAlg::Convolution(FilterType::Bilinear)),
    ];
    for (from, to) in cases {
        for (filter, alg) in filters {
            let bytes = noise(3 * from.0 * from.1);
            let got = resize(&bytes, from, to, &Rendering { filter, ..Rendering::default() });

            // It rounds each of two passes to whole levels, by half a level at most.
            let expected = reference(&bytes, PixelType::U8x3, alg, (from, to));
            let expected: Vec<f32> = expected.into_iter().map(f32::from).collect();
            check_close(&got, &expected, 1.01, &format!("{filter:?}, bytes, {from:?} to {to:?}"));

            // In floats it rounds nothing.
            let floats: Vec<u8> = bytes.iter().flat_map(|&b| f32::from(b).to_ne_bytes()).collect();
            let expected = reference(&floats, PixelType::F32x3, alg, (from, to));
            let (floats, _) = expected.as_chunks();
            let expected: Vec<f32> = floats.iter().map(|&b| f32::from_ne_bytes(b)).collect();
            check_close(&got, &expected, 1e-3, &format!("{filter:?}, floats, {from:?} to {to:?}"));
        }
    }
}
