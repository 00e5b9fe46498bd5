//! nvJPEG's binding against a double of the library (`tests/softnvjpeg`) on the software CUDA device. The
//! double's pixels are those of zune-jpeg; nvJPEG's own were not seen.

use std::sync::Arc;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_softcuda_harness::{NvjpegDouble, SoftCuda};

use super::*;
use crate::device::{Device, DeviceBuffer, Limits, Priority, Stream, device_to_host, probe};

mod failures;
mod files;
mod mutants;
mod order;
mod real;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

/// Each backend, with what lets the double have it.
const BACKENDS: [(Backend, [(&str, u64); 2]); 3] = [
    (Backend::Hardware, [("hardware_engines", 1), ("gpu_hybrid", 1)]),
    (Backend::GpuHybrid, [("hardware_engines", 0), ("gpu_hybrid", 1)]),
    (Backend::Default, [("hardware_engines", 0), ("gpu_hybrid", 0)]),
];

fn device() -> Device {
    probe(LIMITS).unwrap().get(0).unwrap().clone()
}

fn stream(device: &Device) -> Stream {
    device.stream("test", Priority::Least).unwrap()
}

/// A decoder of a backend, on a device of its own.
fn decoder(backend: Backend) -> (Decoder, Stream) {
    let (_, options) = BACKENDS.into_iter().find(|(known, _)| *known == backend).unwrap();
    for (option, value) in options {
        NvjpegDouble::open().set(option, value);
    }
    let device = device();
    let nvjpeg = Nvjpeg::open(&device).unwrap();
    assert_eq!(nvjpeg.backend(), backend);
    let stream = stream(&device);
    (Decoder::new(&nvjpeg, &stream).unwrap(), stream)
}

/// A picture as a JPEG; `set` may change how it is encoded.
fn encode(
    (width, height): (u16, u16),
    color: ColorType,
    set: impl Fn(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let level = |x: u16, y: u16, channel: u16| 30 + (x * 3 + y * (channel + 1)) % 190;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let channels = match color {
                ColorType::Luma => 1,
                ColorType::Cmyk => 4,
                _ => 3,
            };
            pixels.extend((0..channels).map(|c| u8::try_from(level(x, y, c)).unwrap()));
        }
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    set(&mut encoder);
    encoder.encode(&pixels, width, height, color).unwrap();
    file
}

/// A plain file.
fn plain(size: (u16, u16)) -> Vec<u8> {
    encode(size, ColorType::Rgb, |encoder| encoder.set_sampling_factor(SamplingFactor::F_2_2))
}

/// What the double decodes.
fn pixels(file: &[u8]) -> Vec<u8> {
    use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
    let options =
        DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(file), options).decode().unwrap()
}

fn encoded(file: &[u8], (width, height): (u16, u16)) -> Encoded<'_> {
    Encoded { bytes: file, size: (width.into(), height.into()) }
}

/// All bytes, brought home by another stream than the one that wrote them.
fn download(buffer: &DeviceBuffer, device: &Device) -> Vec<u8> {
    let (all, copies) =
        (0..nereid_backend::device::DeviceMemory::size_bytes(buffer), CopyCounter::default());
    let bytes = device_to_host(buffer, &all, &stream(device), &copies).unwrap();
    bytes.bytes().unwrap().to_vec()
}

fn decoded(outcome: Outcome) -> Arc<DeviceBuffer> {
    match outcome {
        Outcome::Decoded(pixels) => pixels,
        Outcome::Refused(why) => panic!("refused: {why}"),
    }
}

fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Decoded(_) => panic!("decoded"),
        Outcome::Refused(why) => why,
    }
}
