use super::*;
use crate::cpu::{Filter, Frame, Image, PixelFormat, Rendering, render};

/// Bytes without a pattern, the same in each run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

const SAMPLINGS: [Chroma; 3] = [Chroma::Full, Chroma::HalfColumns, Chroma::Halves];
const SIZES: [(usize, usize); 7] = [(1, 1), (3, 2), (4, 1), (5, 3), (6, 6), (37, 9), (64, 5)];

/// A picture of noise; its planes have room for 64 x 16 samples.
fn picture(samples: &[u8], sampling: Chroma, size: (usize, usize)) -> Ycc<'_> {
    let plane = |index: usize| Plane { samples: &samples[index * 1024..][..1024], stride: 64 };
    Ycc::new([0, 1, 2].map(plane), sampling, size).unwrap()
}

fn rgb(picture: Ycc<'_>) -> Vec<u8> {
    let mut rgb = vec![0; 3 * picture.size().0 * picture.size().1];
    picture.write_rgb(&mut rgb).unwrap();
    rgb
}

/// The chroma of a pixel, by the module's first words.
fn enlarged(samples: &[u8], picture: &Ycc<'_>, (x, y): (usize, usize)) -> u8 {
    let (factor_x, factor_y) = picture.sampling.factors();
    let (width, height) = picture.chroma_size();
    let sample = |x: usize, y: usize| usize::from(samples[y * 64 + x]);
    if width <= REPEATED_MAX && factor_x == 2 {
        return samples[y / factor_y * 64 + x / 2];
    }
    // The nearer and the farther one along an axis.
    let two = |at: usize, factor: usize, side: usize| {
        let near = at / factor;
        let far =
            if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(side - 1) };
        [near, if factor == 1 { near } else { far }]
    };
    let ([x0, x1], [y0, y1]) = (two(x, factor_x, width), two(y, factor_y, height));
    let column = |x| 3 * sample(x, y0) + sample(x, y1);
    let whole = 3 * column(x0) + column(x1);
    let rounding = match (picture.sampling, x % 2) {
        (Chroma::Halves, 0) => 8,
        (Chroma::Halves, _) => 7,
        // In sixteenths: of quarters, one for even columns and two for odd ones.
        (_, 0) => 4,
        _ => 8,
    };
    u8::try_from((whole + rounding) / 16).unwrap()
}

#[test]
fn every_pixel_is_as_stated() {
    let samples = noise(3 * 1024);
    for sampling in SAMPLINGS {
        for size in SIZES {
            let picture = picture(&samples, sampling, size);
            let rgb = rgb(picture);
            for (index, got) in rgb.as_chunks::<3>().0.iter().enumerate() {
                let place @ (x, y) = (index % size.0, index / size.0);
                let [cb, cr] = [1, 2].map(|plane| {
                    i64::from(enlarged(&samples[plane * 1024..], &picture, place)) - 128
                });
                let luma = i64::from(samples[y * 64 + x]);
                let expected = [
                    luma + ((91_881 * cr + 32_768) >> 16),
                    luma + ((-22_554 * cb - 46_802 * cr + 32_768) >> 16),
                    luma + ((116_130 * cb + 32_768) >> 16),
                ];
                let expected = expected.map(|level| u8::try_from(level.clamp(0, 255)).unwrap());
                assert_eq!(*got, expected, "{sampling:?}, {size:?}, {place:?}");
            }
        }
    }
}

/// Of parts that begin and end anywhere, by either filter, whatever the factor.
#[test]
fn it_is_drawn_as_its_pixels_are() {
    let samples = noise(3 * 1024);
    for sampling in SAMPLINGS {
        for size in SIZES {
            let picture = picture(&samples, sampling, size);
            let rgb = rgb(picture);
            let pixels = Image::new(&rgb, PixelFormat::Rgb, size).unwrap();
            let planes = Image::from(picture);
            for (left, top) in [(0, 0), (1, 1), (2, 0), (3, 2)] {
                let Some(part) = size.0.checked_sub(left + 1).zip(size.1.checked_sub(top + 1))
                else {
                    continue;
                };
                for (width, height) in
                    [(1, 1), (part.0 + 1, part.1 + 1), (part.0.max(1), part.1.max(1))]
                {
                    let [got, expected] = [planes, pixels].map(|image| {
                        let part = image.part((left, top), (width, height)).unwrap();
                        [Filter::Bilinear, Filter::Triangle].map(|filter| {
                            [(3, 2), (41, 11)].map(|target| {
                                let mut out = vec![f32::NAN; 3 * target.0 * target.1];
                                let rendering = Rendering { filter, ..Rendering::default() };
                                render(&part, &Frame::full(target), &rendering, &mut out).unwrap();
                                out
                            })
                        })
                    });
                    assert_eq!(
                        got, expected,
                        "{sampling:?}, {size:?}, {left}, {top}, {width}, {height}"
                    );
                }
            }
        }
    }
}

#[test]
fn sizes_are_checked() {
    let plane = |samples, stride| Plane { samples, stride };
    let levels = [0; 8];
    let of = |luma, chroma, size| Ycc::new([luma, chroma, chroma], Chroma::Halves, size).err();
    let (luma, chroma) = (plane(&levels[..7], 4), plane(&levels[..2], 2));
    let size = |expected, actual| Some(ViewError::Size { expected, actual });
    assert_eq!(of(luma, chroma, (3, 2)), None);
    assert_eq!(of(luma, chroma, (4, 2)), size(8, 7));
    assert_eq!(of(luma, chroma, (5, 1)), size(5, 7));
    assert_eq!(of(luma, plane(&levels[..1], 2), (3, 2)), size(2, 1));
    assert_eq!(of(luma, chroma, (0, 2)), Some(ViewError::Axis { width: 0, height: 2 }));
    let picture = Ycc::new([luma, chroma, chroma], Chroma::Halves, (3, 2)).unwrap();
    assert_eq!(picture.write_rgb(&mut [0; 17]), Err(ViewError::Size { expected: 18, actual: 17 }));
}
