use std::collections::BTreeSet;

use jpeg_encoder::ColorType;

use super::*;
use crate::samples::{encode, jpeg, kinds, picture};

const PIXELS_MAX: usize = 1 << 20;

/// The pixels in RGB.
fn decode(file: &[u8]) -> Result<Vec<u8>, PictureError> {
    decode_in(&mut Vec::new(), Jpeg::open(file, PIXELS_MAX)?)
}

fn decode_in(memory: &mut Vec<u8>, jpeg: Jpeg<'_>) -> Result<Vec<u8>, PictureError> {
    let (width, height) = jpeg.size();
    Ok(match jpeg.decode(memory)? {
        Layout::Interleaved(PixelFormat::Gray) => {
            memory.iter().flat_map(|&byte| [byte; 3]).collect()
        }
        Layout::Interleaved(_) => memory.clone(),
        Layout::Planes(planes) => {
            let mut rgb = vec![0; 3 * width * height];
            planes.picture(memory).unwrap().write_rgb(&mut rgb).unwrap();
            rgb
        }
    })
}

fn is_truncated<T>(result: &Result<T, PictureError>) -> bool {
    matches!(result, Err(PictureError::Truncated { .. }))
}

/// The position after the first `marker`.
fn after(file: &[u8], marker: u8) -> usize {
    file.windows(2).position(|two| two == [0xFF, marker]).unwrap() + 2
}

#[test]
fn every_kind_decodes() {
    for size @ (width, height) in [(64, 48), (33, 21), (16, 1), (1, 16), (1, 1)] {
        for (name, file) in kinds(size) {
            let jpeg = Jpeg::open(&file, PIXELS_MAX).unwrap();
            assert_eq!(jpeg.size(), size, "{name}");
            let got = decode(&file).unwrap();
            let mut expected = picture(width, height);
            if name.starts_with("Luma") {
                expected = expected.chunks_exact(3).flat_map(|rgb| [rgb[1]; 3]).collect();
            }
            assert_eq!(got.len(), expected.len());
            let off = got.iter().zip(&expected).map(|(a, b)| usize::from(a.abs_diff(*b)));
            let mean = off.sum::<usize>() / got.len();
            assert!(mean <= 3, "{name}, {size:?}: off by {mean}");
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for size in [(40, 24), (1, 1)] {
        for (name, file) in kinds(size) {
            for length in 3..file.len() {
                assert!(is_truncated(&decode(&file[..length])), "{name}, {size:?}, at {length}");
            }
        }
    }
}

#[test]
fn a_file_whose_end_was_never_written_is_refused() {
    let mut file = jpeg(40, 24);
    let half = file.len() / 2;
    file[half..].fill(0);
    assert!(is_truncated(&decode(&file)));
}

#[test]
fn what_follows_the_end_is_ignored() {
    for (name, file) in kinds((40, 24)) {
        let expected = decode(&file);
        for rest in [b"\0\0\0\0".as_slice(), b"garbage", b"\xFF", b"\xFF\xD9", &file] {
            assert_eq!(decode(&[&file, rest].concat()), expected, "{name}");
        }
    }
}

#[test]
fn the_end_of_another_image_does_not_count() {
    let whole = jpeg(40, 24);
    let preview = encode((40, 24), ColorType::Rgb, |encoder| {
        encoder.add_app_segment(1, jpeg(8, 8)).unwrap();
    });
    assert!(decode(&preview).is_ok());
    let scan = preview.windows(2).rposition(|two| two == [0xFF, 0xDA]).unwrap();
    for cut in [scan, scan + 20, preview.len() - 2] {
        assert!(is_truncated(&decode(&preview[..cut])));
        assert!(is_truncated(&decode(&[&preview[..cut], &whole].concat())));
    }
}

/// Writes another size into the frame header.
fn with_size(mut file: Vec<u8>, (width, height): (u16, u16)) -> Vec<u8> {
    let frame = after(&file, 0xC0);
    file[frame + 3..frame + 5].copy_from_slice(&height.to_be_bytes());
    file[frame + 5..frame + 7].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let open = |size, pixels_max| {
        let file = with_size(jpeg(8, 8), size);
        Jpeg::open(&file, pixels_max).map(|jpeg| jpeg.size())
    };
    let too_large =
        |width, height, pixels_max| Err(PictureError::TooLarge { width, height, pixels_max });
    assert_eq!(open((65_535, 65_535), 1 << 26), too_large(65_535, 65_535, 1 << 26));
    assert_eq!(open((3, 5), 14), too_large(3, 5, 14));
    assert_eq!(open((3, 5), 15), Ok((3, 5)));
}

#[test]
fn a_file_of_many_scans_is_refused() {
    let file = encode((8, 8), ColorType::Rgb, |encoder| encoder.set_progressive(true));
    let (header, rest) = file.split_at(after(&file, 0xDA) - 2);
    let bomb = [header, &rest[..rest.len() - 2].repeat(SCANS_MAX + 1), b"\xFF\xD9"].concat();
    assert_eq!(decode(&bomb), Err(PictureError::Scans(SCANS_MAX)));
}

/// A broken file in memory where a white picture was: nothing of that may be seen.
#[test]
fn no_picture_sees_another_ones_pixels() {
    let file = encode((64, 64), ColorType::Luma, |_| {});
    let scan = after(&file, 0xDA) - 2;
    let data = scan + 2 + usize::from(file[scan + 3]);
    // The decoder stops at a comment in the data, and says that all is well.
    let broken = [&file[..data + 8], b"\xFF\xFE\x00\x02\xFF\xD9"].concat();
    let mut pixels = vec![255; 3 * 64 * 64];
    Jpeg::open(&broken, PIXELS_MAX).unwrap().decode(&mut pixels).unwrap();
    let rest = &pixels[3 * 64 * 32..];
    assert!(rest.iter().all(|&level| level < 255), "white pixels are left");
}

#[test]
fn broken_files_are_told() {
    let cases: [(Vec<u8>, &str); 3] = [
        (with_size(jpeg(8, 8), (0, 8)), "width or height is set to zero"),
        (b"\xFF\xD8\xFF\xD9".to_vec(), "the JPEG cannot be decoded: Premature End of image"),
        (
            b"\xFF\xD8\xFF\xC9\x00\x02\xFF\xD9".to_vec(),
            "the JPEG cannot be decoded: its kind, SOF9, is not supported: send it as ordinary \
             baseline or progressive",
        ),
    ];
    for (file, expected) in cases {
        let error = decode(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_panic_is_an_error() {
    let fail = || -> Result<(), String> { panic!("this panic fails one picture") };
    let error = contain(fail).unwrap_err();
    assert!(error.to_string().contains("the server's log has the reason"), "{error}");
}

/// Flips every byte of every kind, and decodes what comes of it, in the same memory.
#[test]
fn broken_bytes_end_in_an_answer() {
    let mut pixels = Vec::new();
    let mut texts = BTreeSet::new();
    for (_, mut file) in kinds((24, 17)) {
        for index in 0..file.len() {
            let byte = file[index];
            file[index] = !byte;
            let decoded =
                Jpeg::open(&file, PIXELS_MAX).and_then(|jpeg| jpeg.decode(&mut pixels).map(|_| ()));
            texts.extend(decoded.err().map(|error| error.to_string()));
            file[index] = byte;
        }
    }
    assert!(texts.len() > 5, "{texts:?}");
    assert!(texts.iter().all(|text| !text.contains(['\n'])), "{texts:?}");
}

#[test]
fn a_header_that_claims_more_than_the_bytes_can_tell_is_refused() {
    let mut file = jpeg(40, 24);
    let sizes = after(&file, 0xC0) + 3;
    file[sizes..sizes + 4].copy_from_slice(&[0x03, 0xE8, 0x03, 0xE8]);
    let size_bytes = file.len();
    let expected =
        PictureError::Hollow { format: Format::Jpeg, width: 1000, height: 1000, size_bytes };
    assert!(size_bytes * 8 < 125 * 125);
    assert_eq!(decode(&file), Err(expected));
}

#[test]
fn many_scans_of_a_large_picture_are_refused() {
    let file = encode((40, 24), ColorType::Rgb, |encoder| encoder.set_progressive(true));
    let (before, last_scan) =
        file.split_at(file.windows(2).rposition(|two| two == [0xFF, 0xDA]).unwrap());
    let last_scan = &last_scan[..last_scan.len() - 2];
    let scans = |count: usize| [before, &last_scan.repeat(count), &[0xFF, 0xD9]].concat();
    let open = |file: &[u8], pixels_max| Jpeg::open(file, pixels_max).map(drop);
    assert_eq!(open(&scans(30), 40 * 24 * 4), Ok(()));
    let error = open(&scans(30), 40 * 24).unwrap_err();
    assert!(matches!(error, PictureError::TooMuchWork { scans: 30.., width: 40, height: 24 }));
}

/// Whether a kind of [`kinds`] is one that most files are of.
fn is_usual(name: &str) -> bool {
    let samplings = ["F_1_1,", "F_2_1,", "F_2_2,", "Luma,"];
    samplings.iter().any(|sampling| name.starts_with(sampling))
        && name.contains("progressive false")
}

/// Decodes a file as if it were of a kind that is not usual.
fn decode_as_unusual(file: &[u8]) -> Result<Vec<u8>, PictureError> {
    let jpeg = Jpeg::open(file, PIXELS_MAX)?;
    let decoder = Decoder::Usual(Box::new(usual(jpeg.bytes, jpeg.size)?));
    decode_in(&mut Vec::new(), Jpeg { decoder, ..jpeg })
}

fn decode_as_usual(file: &[u8]) -> Option<Layout> {
    match Jpeg::open(file, PIXELS_MAX).ok()?.decoder {
        Decoder::Baseline(baseline) => baseline.decode(&mut Vec::new()),
        Decoder::Usual(_) | Decoder::Rare(_) => None,
    }
}

/// By how many levels two pictures differ on average.
fn off(got: &[u8], expected: &[u8]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let off = got.iter().zip(expected).map(|(a, b)| u32::from(a.abs_diff(*b)));
    f64::from(off.sum::<u32>()) / f64::from(u32::try_from(got.len()).unwrap())
}

#[test]
fn both_decoders_see_the_same_picture() {
    for size in [(64, 48), (33, 21), (17, 1), (1, 16), (1, 1)] {
        for (name, file) in kinds(size) {
            assert_eq!(decode_as_usual(&file).is_some(), is_usual(&name), "{name}, {size:?}");
            if is_usual(&name) {
                let off = off(&decode(&file).unwrap(), &decode_as_unusual(&file).unwrap());
                assert!(off <= 1.0, "{name}, {size:?}: off by {off}");
            }
        }
    }
}

/// Pixel data that the decoder of usual files takes, the other one does not refuse. What numbers
/// become that no encoder writes is not the same.
#[test]
fn no_broken_file_is_taken_for_a_usual_one() {
    for (name, mut file) in kinds((24, 17)).into_iter().filter(|(name, _)| is_usual(name)) {
        let mut taken = 0;
        let scan = after(&file, 0xDA);
        for index in scan + usize::from(file[scan + 1])..file.len() {
            for change in [0x01, 0x80, 0xFF] {
                file[index] ^= change;
                if decode_as_usual(&file).is_some() {
                    let refused = decode_as_unusual(&file).err();
                    assert_eq!(refused, None, "{name}, {index}, {change}");
                    taken += 1;
                }
                file[index] ^= change;
            }
        }
        assert!(taken > 50, "{name}: {taken}");
    }
}

#[test]
fn a_device_gets_grey_and_luma_with_chroma_alone() {
    let is_for_device = |file: &[u8]| Jpeg::open(file, PIXELS_MAX).unwrap().for_device().is_some();
    for (name, file) in kinds((40, 24)) {
        let is_progressive = name.contains("progressive true");
        let is_usual =
            ["F_1_1", "F_2_1", "F_2_2", "Luma"].iter().any(|kind| name.starts_with(kind));
        let is_in_one_scan = is_usual || name.starts_with("F_1_2");
        let expected = !name.starts_with("Cmyk") && (is_progressive || is_in_one_scan);
        assert_eq!(is_for_device(&file), expected, "{name}");
    }
    // "Adobe", a version, flags, and a transform: 0 is RGB.
    let rgb = |is_progressive| {
        encode((40, 24), ColorType::Rgb, |encoder| {
            encoder.set_progressive(is_progressive);
            encoder.add_app_segment(14, b"Adobe\0\x64\0\0\0\0\0".to_vec()).unwrap();
        })
    };
    assert!(!is_for_device(&rgb(false)) && !is_for_device(&rgb(true)));
    let followed = [jpeg(40, 24), b"garbage".to_vec()].concat();
    let file = Jpeg::open(&followed, PIXELS_MAX).unwrap();
    assert_eq!(file.for_device(), Some(&followed[..followed.len() - 7]));
}
