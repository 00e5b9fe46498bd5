use super::*;
use crate::geometry::{Anchor, Widths};

/// `key=value` pairs, separated by semicolons.
fn parse(text: &str) -> Result<Options, String> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let parameters = pairs.map(|(key, value)| (key.trim().into(), value.into())).collect();
    Options::parse(&parameters).map_err(|error| error.to_string())
}

fn resized(resize: Resize) -> Options {
    Options {
        decoder: JpegDecoder::Auto,
        operation: Operation::Prepare,
        input: InputFormat::File,
        acceptance: Acceptance {
            pixels_max: PIXELS_MAX_DEFAULT,
            orientation: ExifOrientation::Apply,
        },
        resize,
        rendering: Rendering::default(),
    }
}

fn stretch(width: usize, height: usize) -> Options {
    resized(Resize::Stretch { width, height })
}

fn fixed_height(height: usize, multiple: usize, min: usize, max: usize) -> Options {
    resized(Resize::FixedHeight { height, widths: Widths { multiple, min, max } })
}

/// `stretch(2, 1)` with another rendering.
fn rendered(rendering: Rendering) -> Options {
    Options { rendering, ..stretch(2, 1) }
}

fn normalized(order: ChannelOrder, mean: [f32; 3], scale: [f32; 3]) -> Options {
    rendered(Rendering { order, mean, scale, ..Rendering::default() })
}

#[test]
fn good_options() {
    use ChannelOrder::{Bgr, Rgb};
    let cases = [
        ("width=2; height=1", stretch(2, 1)),
        ("resize=stretch; width= 2 ; height=1", stretch(2, 1)),
        ("resize=fixed_height; height=48", fixed_height(48, 32, 32, 4096)),
        ("resize=fixed_height; height=48; width_multiple=7", fixed_height(48, 7, 7, 4095)),
        (
            "resize=fixed_height; height=48; width_min=320; width_max=640; width_multiple=1",
            fixed_height(48, 1, 320, 640),
        ),
        ("resize=fixed_height; height=9; width_min=6400", fixed_height(9, 32, 6400, 6400)),
        ("width=2; height=1; channel_order=BGR", normalized(Bgr, [0.0; 3], [1.0; 3])),
        ("width=2; height=1; channel_order=RGB", normalized(Rgb, [0.0; 3], [1.0; 3])),
        (
            "width=2; height=1; mean=1.5, -2,3e1; scale=0.5",
            normalized(Rgb, [1.5, -2.0, 30.0], [0.5; 3]),
        ),
        (
            "width=2; height=1; pixels_max=7; exif_orientation=ignore",
            Options {
                acceptance: Acceptance { pixels_max: 7, orientation: ExifOrientation::Ignore },
                ..stretch(2, 1)
            },
        ),
        (
            "width=2; height=1; decoder=nvjpeg",
            Options { decoder: JpegDecoder::Nvjpeg, ..stretch(2, 1) },
        ),
        (
            "resize=fixed_height; height=48; pad_value=-1",
            Options {
                rendering: Rendering { pad: [-1.0; 3], ..Rendering::default() },
                ..fixed_height(48, 32, 32, 4096)
            },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn good_options_of_every_operation_and_resize() {
    let cases = [
        (
            "width=2; height=1; antialias=true; layout=NHWC; channel_order=GRAY",
            rendered(Rendering {
                filter: Filter::Triangle,
                layout: Layout::Interleaved,
                order: ChannelOrder::Gray,
                ..Rendering::default()
            }),
        ),
        (
            "resize=letterbox; width=2; height=1; pad_value=1,2,3",
            Options {
                resize: Resize::Letterbox { width: 2, height: 1, anchor: Anchor::Center },
                ..rendered(Rendering { pad: [1.0, 2.0, 3.0], ..Rendering::default() })
            },
        ),
        (
            "resize=letterbox; width=2; height=1; anchor=top_left",
            resized(Resize::Letterbox { width: 2, height: 1, anchor: Anchor::TopLeft }),
        ),
        (
            "resize=center_crop; width=2; height=3",
            resized(Resize::CenterCrop { shorter: 3, width: 2, height: 3 }),
        ),
        (
            "resize=center_crop; width=2; height=3; shorter_side=4",
            resized(Resize::CenterCrop { shorter: 4, width: 2, height: 3 }),
        ),
        ("resize=none", resized(Resize::None)),
        (
            "resize=none; input_format=nv12",
            Options { input: InputFormat::Nv12, ..resized(Resize::None) },
        ),
        (
            "width=2; height=1; operation=crop; box_format=cxcywh; box_units=normalized",
            Options {
                operation: Operation::Crop(Boxes {
                    format: BoxFormat::Cxcywh,
                    units: BoxUnits::Normalized,
                }),
                ..stretch(2, 1)
            },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn bad_options() {
    let size = "a whole number from 1 to 65535";
    let cases = [
        ("", "parameter 'width' is missing: resize \"stretch\" needs it"),
        ("width=2", "parameter 'height' is missing: resize \"stretch\" needs it"),
        ("resize=fixed_height", "parameter 'height' is missing: resize \"fixed_height\" needs it"),
        (
            "resize=crop",
            "parameter 'resize' must be \"stretch\" or \"letterbox\" or \"center_crop\" or \
             \"fixed_height\" or \"none\", not \"crop\"",
        ),
        ("width=0; height=1", &format!("parameter 'width' must be {size}, not \"0\"")),
        ("width=-1; height=1", &format!("parameter 'width' must be {size}, not \"-1\"")),
        ("width=1; height=65536", &format!("parameter 'height' must be {size}, not \"65536\"")),
        ("width=65535; height=65535", "an output of 4294836225 pixels is too large"),
        ("width=1; height=1; pad_value=1", "'pad_value' does not go with resize \"stretch\""),
        ("width=1; height=1; width_max=1", "'width_max' does not go with resize \"stretch\""),
        (
            "resize=fixed_height; height=1; width=1",
            "parameter 'width' does not go with resize \"fixed_height\"",
        ),
        (
            "resize=fixed_height; height=1; width_max=100",
            "'width_max' is 100, which is no multiple of the width_multiple 32",
        ),
        (
            "resize=fixed_height; height=1; width_min=64; width_max=32",
            "parameter 'width_min' is 64, more than the width_max 32",
        ),
        (
            "width=1; height=1; channel_order=rgb",
            "must be \"RGB\" or \"BGR\" or \"GRAY\", not \"rgb\"",
        ),
        ("width=1; height=1; mean=1,2", "parameter 'mean' must be one number, or three with"),
        ("width=1; height=1; scale=1/255", "parameter 'scale' must be one number, or three with"),
        ("width=1; height=1; scale=nan", "parameter 'scale' must be one number, or three with"),
        (
            "resize=fixed_height; height=1; pad_value=inf",
            "'pad_value' must be one number, or three with commas between them, not \"inf\"",
        ),
        (
            "width=1; height=1; pixels_max=0",
            "'pixels_max' must be a whole number from 1 to 4294836225",
        ),
        (
            "width=1; height=1; color=RGB",
            "parameter 'color' is unknown: the image backend knows operation, ",
        ),
        (
            "resize=center_crop; width=4; height=3; shorter_side=3",
            "parameter 'shorter_side' is 3, less than the width 4 or the height 3",
        ),
        ("resize=none; width=1", "parameter 'width' does not go with resize \"none\""),
        ("width=1; height=1; box_units=pixels", "does not go with operation \"prepare\""),
        (
            "resize=none; input_format=rgb; exif_orientation=apply",
            "'exif_orientation' does not go with an input_format other than \"file\"",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let error = parse("resize=stretch; height=x; mean=; nope=1; pad_value=0").unwrap_err();
    let keys: Vec<_> = error.lines().filter_map(|line| line.split('\'').nth(1)).collect();
    assert_eq!(keys, ["nope", "pad_value", "width", "height", "mean"]);
}
