//! What `parameters` of a model's `config.pbtxt` say to this engine, checked as a whole: whoever
//! writes one sees all mistakes at once. `docs/image.md` lists them.

mod reader;
mod resize;

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;
use nereid_kernels::cpu::{AXIS_MAX, ChannelOrder, Filter, Layout, PixelFormat, Rendering};

use crate::boxes::{BoxFormat, BoxUnits, Boxes};
use crate::geometry::Resize;
use crate::picture::{Acceptance, ExifOrientation};
use reader::Reader;

/// Most pixels of a picture unless `pixels_max` says otherwise: room for twice an 8K frame.
///
/// While one is decoded it takes 3 bytes a pixel, and a progressive one up to 8 bytes more.
const PIXELS_MAX_DEFAULT: usize = 64 << 20;

/// Every key that goes with every `resize`.
const KEYS: [&str; 13] = [
    "operation",
    "decoder",
    "box_format",
    "box_units",
    "input_format",
    "exif_orientation",
    "pixels_max",
    "resize",
    "antialias",
    "channel_order",
    "layout",
    "mean",
    "scale",
];

/// What the elements of the input are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// A JPEG or PNG.
    #[default]
    File,
    /// Rows of pixels.
    Pixels(PixelFormat),
    /// A plane of luma and one of half its height with pairs of chroma.
    Nv12,
}

/// Who decodes JPEGs for an instance on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JpegDecoder {
    /// nvJPEG where it works, and the CPU where not.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// nvJPEG, without which the model does not load.
    Nvjpeg,
}

/// What is made of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Operation {
    /// One picture of the output.
    #[default]
    Prepare,
    /// One for each box of a second input.
    Crop(Boxes),
}

/// How pictures become tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Options {
    /// `operation` with what goes with it.
    pub(crate) operation: Operation,
    /// `input_format`.
    pub(crate) input: InputFormat,
    /// `decoder`.
    pub(crate) decoder: JpegDecoder,
    /// `pixels_max` and `exif_orientation`.
    pub(crate) acceptance: Acceptance,
    /// `resize` with the sizes that go with it.
    pub(crate) resize: Resize,
    /// All else.
    pub(crate) rendering: Rendering,
}

impl Options {
    /// Reads all parameters.
    ///
    /// # Errors
    /// Everything that is wrong with them, one a line.
    pub(crate) fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, LoadError> {
        let mut reader = Reader { parameters, errors: Vec::new() };
        reader.refuse_unknown(&[&KEYS[..], &resize::KEYS].concat());
        let operation = operation(&mut reader);
        let (input, acceptance) = input(&mut reader);
        let decoder = decoder(&mut reader, input);
        let resize = resize::resize(&mut reader);
        let rendering = rendering(&mut reader);
        match resize {
            Some(resize) if reader.errors.is_empty() => {
                Ok(Self { operation, input, decoder, acceptance, resize, rendering })
            }
            _ => Err(LoadError::new(reader.errors.join("\n"))),
        }
    }

    /// The axes of one picture in the output.
    pub(crate) fn dims(&self) -> [nereid_backend::spec::Dim; 3] {
        self.resize.dims(self.rendering.order, self.rendering.layout)
    }
}

fn operation(reader: &mut Reader<'_>) -> Operation {
    let is_crop = reader.choice("operation", &[("prepare", false), ("crop", true)]);
    if is_crop != Some(true) {
        reader.refuse(&["box_format", "box_units"], "operation \"prepare\"");
        return Operation::Prepare;
    }
    let formats =
        [("xyxy", BoxFormat::Xyxy), ("xywh", BoxFormat::Xywh), ("cxcywh", BoxFormat::Cxcywh)];
    let units = [("pixels", BoxUnits::Pixels), ("normalized", BoxUnits::Normalized)];
    Operation::Crop(Boxes {
        format: reader.choice("box_format", &formats).unwrap_or_default(),
        units: reader.choice("box_units", &units).unwrap_or_default(),
    })
}

fn input(reader: &mut Reader<'_>) -> (InputFormat, Acceptance) {
    let formats = [
        ("file", InputFormat::File),
        ("rgb", InputFormat::Pixels(PixelFormat::Rgb)),
        ("bgr", InputFormat::Pixels(PixelFormat::Bgr)),
        ("gray", InputFormat::Pixels(PixelFormat::Gray)),
        ("nv12", InputFormat::Nv12),
    ];
    let format = reader.choice("input_format", &formats).unwrap_or_default();
    if format != InputFormat::File {
        reader.refuse(&["exif_orientation"], "an input_format other than \"file\"");
    }
    let orientations = [("apply", ExifOrientation::Apply), ("ignore", ExifOrientation::Ignore)];
    let orientation = reader.choice("exif_orientation", &orientations).unwrap_or_default();
    let pixels_max = reader.size("pixels_max", AXIS_MAX * AXIS_MAX).unwrap_or(PIXELS_MAX_DEFAULT);
    (format, Acceptance { pixels_max, orientation })
}

fn decoder(reader: &mut Reader<'_>, input: InputFormat) -> JpegDecoder {
    if input != InputFormat::File {
        reader.refuse(&["decoder"], "an input_format other than \"file\"");
    }
    let decoders =
        [("auto", JpegDecoder::Auto), ("cpu", JpegDecoder::Cpu), ("nvjpeg", JpegDecoder::Nvjpeg)];
    reader.choice("decoder", &decoders).unwrap_or_default()
}

fn rendering(reader: &mut Reader<'_>) -> Rendering {
    let filters = [("false", Filter::Bilinear), ("true", Filter::Triangle)];
    let orders =
        [("RGB", ChannelOrder::Rgb), ("BGR", ChannelOrder::Bgr), ("GRAY", ChannelOrder::Gray)];
    let layouts = [("NCHW", Layout::Planar), ("NHWC", Layout::Interleaved)];
    Rendering {
        filter: reader.choice("antialias", &filters).unwrap_or_default(),
        order: reader.choice("channel_order", &orders).unwrap_or_default(),
        layout: reader.choice("layout", &layouts).unwrap_or_default(),
        mean: reader.per_channel("mean").unwrap_or([0.0; 3]),
        scale: reader.per_channel("scale").unwrap_or([1.0; 3]),
        pad: reader.per_channel("pad_value").unwrap_or([0.0; 3]),
    }
}

#[cfg(test)]
mod tests;
