use png::{BitDepth, Encoder};

use super::*;
use crate::picture::{Acceptance, ExifOrientation, Picture, Workspace};

const PIXELS_MAX: usize = 1 << 20;

fn encode(
    (width, height): (u32, u32),
    (color, depth): (ColorType, BitDepth),
    data: &[u8],
    set: impl Fn(&mut Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    set(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

fn decode(file: &[u8]) -> Result<(PixelFormat, Vec<u8>), PictureError> {
    let mut pixels = Vec::new();
    let format = Png::open(file, PIXELS_MAX)?.decode(&mut pixels)?;
    Ok((format, pixels))
}

fn rgb(width: u32, height: u32) -> Vec<u8> {
    let levels: Vec<_> = (0..width * height * 3).map(|index| index.to_le_bytes()[0]).collect();
    encode((width, height), (ColorType::Rgb, BitDepth::Eight), &levels, |_| {})
}

#[test]
fn every_kind_becomes_eight_bits_without_alpha() {
    use BitDepth::{Eight, One, Sixteen};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let palette = |encoder: &mut Encoder<'_, &mut Vec<u8>>| {
        encoder.set_palette(vec![9, 8, 7, 6, 5, 4]);
        encoder.set_trns(vec![0, 255]);
    };
    let nothing = |_: &mut Encoder<'_, &mut Vec<u8>>| {};
    let two = (2, 1);
    let cases = [
        (encode(two, (Grayscale, Eight), &[1, 2], nothing), PixelFormat::Gray, vec![1, 2]),
        (encode(two, (Grayscale, One), &[0x40], nothing), PixelFormat::Gray, vec![0, 255]),
        (encode(two, (Grayscale, Sixteen), &[1, 9, 2, 9], nothing), PixelFormat::Gray, vec![1, 2]),
        (
            encode(two, (GrayscaleAlpha, Eight), &[1, 0, 2, 7], nothing),
            PixelFormat::Gray,
            vec![1, 2],
        ),
        (
            encode(two, (Rgb, Eight), &[1, 2, 3, 4, 5, 6], nothing),
            PixelFormat::Rgb,
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            encode(two, (Rgba, Eight), &[1, 2, 3, 0, 4, 5, 6, 9], nothing),
            PixelFormat::Rgb,
            vec![1, 2, 3, 4, 5, 6],
        ),
        (encode(two, (Indexed, One), &[0x40], palette), PixelFormat::Rgb, vec![9, 8, 7, 6, 5, 4]),
    ];
    for (file, format, levels) in cases {
        assert_eq!(decode(&file), Ok((format, levels)));
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let file = rgb(20, 10);
    let whole = decode(&file).unwrap();
    for length in 8..file.len() {
        match decode(&file[..length]) {
            Err(PictureError::Truncated { format: Format::Png, size_bytes }) => {
                assert_eq!(size_bytes, length);
            }
            // Only the end marker is missing: the picture is all there.
            got => assert!(
                length >= file.len() - 16 && got.as_ref() == Ok(&whole),
                "{length}: {got:?}"
            ),
        }
    }
}

#[test]
fn bombs_are_refused_by_their_header() {
    let file = rgb(20, 10);
    let too_large = PictureError::TooLarge { width: 20, height: 10, pixels_max: 199 };
    assert_eq!(Png::open(&file, 199).err(), Some(too_large));
    let with_size = |width: u32, height: u32| {
        let mut file = file.clone();
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&file[12..29]);
        file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        file
    };
    let size_bytes = file.len();
    let (format, width, height) = (Format::Png, 1024, 1000);
    let hollow = PictureError::Hollow { format, width, height, size_bytes };
    assert_eq!(Png::open(&with_size(1024, 1000), PIXELS_MAX).err(), Some(hollow));
    let wide = Png::open(&with_size(70_000, 1), PIXELS_MAX).err().unwrap().to_string();
    assert!(wide.contains("a side of 70000 x 1 pixels is more than 65535"), "{wide}");
}

#[test]
fn broken_bytes_end_in_an_answer() {
    let mut file = rgb(20, 10);
    for index in 8..file.len() {
        file[index] = !file[index];
        if let Ok((format, levels)) = decode(&file) {
            assert_eq!((format, levels.len()), (PixelFormat::Rgb, 600));
        }
        file[index] = !file[index];
    }
}

#[test]
fn exif_turns_it() {
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
    let levels: Vec<u8> = (0..6).collect();
    let file = encode((3, 2), (ColorType::Grayscale, BitDepth::Eight), &levels, |_| {});
    let chunk = [&22_u32.to_be_bytes(), &b"eXIf"[..], exif].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&chunk[4..]);
    let file = [&file[..33], &chunk, &crc.sum().to_be_bytes(), &file[33..]].concat();
    for (orientation, size) in [(ExifOrientation::Apply, (2, 3)), (ExifOrientation::Ignore, (3, 2))]
    {
        let acceptance = Acceptance { pixels_max: 6, orientation };
        let picture = Picture::open(&file, acceptance).unwrap();
        assert_eq!(picture.size(), size);
        let mut workspace = Workspace::default();
        assert_eq!(picture.decode(&mut workspace).unwrap().size(), size);
    }
}
