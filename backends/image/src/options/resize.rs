//! `resize` and the parameters that go with each of its values.

use nereid_kernels::cpu::AXIS_MAX;

use super::reader::Reader;
use crate::geometry::{Anchor, OUTPUT_PIXELS_MAX, Resize, Widths};

/// Most columns of `resize: "fixed_height"` unless `width_max` says otherwise.
const WIDTH_MAX_DEFAULT: usize = 4096;

/// What widths are multiples of unless `width_multiple` says otherwise.
const WIDTH_MULTIPLE_DEFAULT: usize = 32;

/// The values of `resize`; it is the first unless stated.
const STRETCH: &str = "stretch";
const LETTERBOX: &str = "letterbox";
const CENTER_CROP: &str = "center_crop";
const FIXED_HEIGHT: &str = "fixed_height";
const NONE: &str = "none";

/// A value, the keys that go with it, and how they are read.
type Mode = (&'static str, &'static [&'static str], fn(&mut Reader<'_>) -> Option<Resize>);

const MODES: [Mode; 5] = [
    (STRETCH, &["width", "height"], stretch),
    (LETTERBOX, &["width", "height", "anchor", "pad_value"], letterbox),
    (CENTER_CROP, &["width", "height", "shorter_side"], center_crop),
    (
        FIXED_HEIGHT,
        &["height", "width_multiple", "width_min", "width_max", "pad_value"],
        fixed_height,
    ),
    (NONE, &["pad_value"], |_| Some(Resize::None)),
];

/// Keys that go with some modes only.
pub(super) const KEYS: [&str; 8] = [
    "width",
    "height",
    "anchor",
    "shorter_side",
    "width_multiple",
    "width_min",
    "width_max",
    "pad_value",
];

pub(super) fn resize(reader: &mut Reader<'_>) -> Option<Resize> {
    let is_stated = reader.parameters.contains_key("resize");
    let stated = reader.choice("resize", &MODES.map(|mode| (mode.0, mode)));
    let (name, own, read) = match stated {
        None if is_stated => return None,
        stated => stated.unwrap_or(MODES[0]),
    };
    let others: Vec<_> = KEYS.into_iter().filter(|key| !own.contains(key)).collect();
    reader.refuse(&others, &format!("resize \"{name}\""));
    let resize = read(reader)?;
    let pixels = resize.pixels_max();
    if pixels > OUTPUT_PIXELS_MAX {
        let text =
            format!("an output of {pixels} pixels is too large: at most {OUTPUT_PIXELS_MAX}");
        reader.errors.push(text);
    }
    Some(resize)
}

/// `width` and `height`, which must be there.
fn size(reader: &mut Reader<'_>, mode: &str) -> Option<(usize, usize)> {
    let (width, height) = (reader.needed_size("width", mode), reader.needed_size("height", mode));
    Some((width?, height?))
}

fn stretch(reader: &mut Reader<'_>) -> Option<Resize> {
    let (width, height) = size(reader, STRETCH)?;
    Some(Resize::Stretch { width, height })
}

fn letterbox(reader: &mut Reader<'_>) -> Option<Resize> {
    let anchors = [("center", Anchor::Center), ("top_left", Anchor::TopLeft)];
    let anchor = reader.choice("anchor", &anchors).unwrap_or_default();
    let (width, height) = size(reader, LETTERBOX)?;
    Some(Resize::Letterbox { width, height, anchor })
}

fn center_crop(reader: &mut Reader<'_>) -> Option<Resize> {
    let size = size(reader, CENTER_CROP);
    let is_stated = reader.parameters.contains_key("shorter_side");
    let stated = reader.size("shorter_side", AXIS_MAX);
    let (width, height) = size?;
    let shorter = if is_stated { stated? } else { width.max(height) };
    if shorter < width.max(height) {
        reader.errors.push(format!(
            "parameter 'shorter_side' is {shorter}, less than the width {width} or the \
             height {height}"
        ));
    }
    Some(Resize::CenterCrop { shorter, width, height })
}

fn fixed_height(reader: &mut Reader<'_>) -> Option<Resize> {
    let height = reader.needed_size("height", FIXED_HEIGHT);
    let multiple = reader.size("width_multiple", AXIS_MAX).unwrap_or(WIDTH_MULTIPLE_DEFAULT);
    let min = reader.size("width_min", AXIS_MAX).unwrap_or(multiple);
    let max = reader.size("width_max", AXIS_MAX);
    let max = max.unwrap_or((WIDTH_MAX_DEFAULT / multiple * multiple).max(min));
    for (key, width) in [("width_min", min), ("width_max", max)] {
        if !width.is_multiple_of(multiple) {
            let text = format!("'{key}' is {width}, which is no multiple of the width_multiple");
            reader.errors.push(format!("parameter {text} {multiple}"));
        }
    }
    if min > max {
        let text = format!("parameter 'width_min' is {min}, more than the width_max {max}");
        reader.errors.push(text);
    }
    Some(Resize::FixedHeight { height: height?, widths: Widths { multiple, min, max } })
}
