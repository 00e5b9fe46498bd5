//! What `parameters` of a model's `config.pbtxt` say to this engine, checked as a whole: whoever
//! writes one sees all mistakes at once. The crate's page lists them.

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;
use nereid_kernels::cpu::{AXIS_MAX, ChannelOrder, Normalization};

use crate::geometry::{OUTPUT_PIXELS_MAX, Resize, Widths};

/// Most pixels of a picture unless `pixels_max` says otherwise: room for twice an 8K frame.
///
/// While one is decoded it takes 3 bytes a pixel, and a progressive one up to 8 bytes more.
const PIXELS_MAX_DEFAULT: usize = 64 << 20;

/// Most columns of `resize: "fixed_height"` unless `width_max` says otherwise.
const WIDTH_MAX_DEFAULT: usize = 4096;

/// What widths are multiples of unless `width_multiple` says otherwise.
const WIDTH_MULTIPLE_DEFAULT: usize = 32;

/// Every key there is.
const KEYS: [&str; 11] = [
    "resize",
    "width",
    "height",
    "width_multiple",
    "width_min",
    "width_max",
    "pad_value",
    "channel_order",
    "mean",
    "scale",
    "pixels_max",
];

/// How pictures become tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Options {
    /// `resize` with the sizes that go with it.
    pub(crate) resize: Resize,
    /// `channel_order`, `mean` and `scale`.
    pub(crate) normalization: Normalization,
    /// `pad_value`: what is written right of a picture, in the output's units.
    pub(crate) pad_value: f32,
    /// `pixels_max`: a picture with more is refused before it is decoded.
    pub(crate) pixels_max: usize,
}

impl Options {
    /// Reads all parameters.
    ///
    /// # Errors
    /// Everything that is wrong with them, one a line.
    pub(crate) fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, LoadError> {
        let mut reader = Reader { parameters, errors: Vec::new() };
        reader.refuse_unknown();
        let resize = resize(&mut reader);
        let normalization = Normalization {
            order: reader.choice("channel_order", &ORDERS).unwrap_or_default(),
            mean: reader.read("mean", PER_CHANNEL, per_channel).unwrap_or([0.0; 3]),
            scale: reader.read("scale", PER_CHANNEL, per_channel).unwrap_or([1.0; 3]),
        };
        let pad_value = reader.read("pad_value", "a number", number).unwrap_or(0.0);
        let pixels_max = reader.size("pixels_max", AXIS_MAX * AXIS_MAX);
        match resize {
            Some(resize) if reader.errors.is_empty() => {
                let pixels_max = pixels_max.unwrap_or(PIXELS_MAX_DEFAULT);
                Ok(Self { resize, normalization, pad_value, pixels_max })
            }
            _ => Err(LoadError::new(reader.errors.join("\n"))),
        }
    }
}

/// Takes parameters one by one and collects what is wrong with them.
struct Reader<'a> {
    parameters: &'a BTreeMap<String, String>,
    errors: Vec<String>,
}

impl<'a> Reader<'a> {
    fn refuse_unknown(&mut self) {
        for key in self.parameters.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let known = KEYS.join(", ");
            self.errors
                .push(format!("parameter '{key}' is unknown: the image backend knows {known}"));
        }
    }

    /// The parameter `key` as `parse` reads it, or `None` if it is absent or wrong.
    fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&'a str) -> Option<T>,
    ) -> Option<T> {
        let text = self.parameters.get(key)?.trim();
        let value = parse(text);
        if value.is_none() {
            self.errors.push(format!("parameter '{key}' must be {expected}, not \"{text}\""));
        }
        value
    }

    fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.read(key, &names.join(" or "), |text| {
            choices.iter().find(|(name, _)| *name == text).map(|&(_, value)| value)
        })
    }

    fn size(&mut self, key: &str, max: usize) -> Option<usize> {
        let parse = |text: &str| text.parse().ok().filter(|size| (1..=max).contains(size));
        self.read(key, &format!("a whole number from 1 to {max}"), parse)
    }

    /// A size that must be there.
    fn needed_size(&mut self, key: &str, mode: &str) -> Option<usize> {
        if !self.parameters.contains_key(key) {
            self.errors.push(format!("parameter '{key}' is missing: resize \"{mode}\" needs it"));
        }
        self.size(key, AXIS_MAX)
    }

    /// Refuses parameters that would do nothing.
    fn refuse(&mut self, keys: &[&str], mode: &str) {
        for key in keys.iter().filter(|key| self.parameters.contains_key(**key)) {
            self.errors.push(format!("parameter '{key}' does not go with resize \"{mode}\""));
        }
    }
}

/// The values of `channel_order`.
const ORDERS: [(&str, ChannelOrder); 2] = [("RGB", ChannelOrder::Rgb), ("BGR", ChannelOrder::Bgr)];

/// The values of `resize`; it is the first unless stated.
const STRETCH: &str = "stretch";
const FIXED_HEIGHT: &str = "fixed_height";

fn resize(reader: &mut Reader<'_>) -> Option<Resize> {
    let modes = [(STRETCH, STRETCH), (FIXED_HEIGHT, FIXED_HEIGHT)];
    let is_stated = reader.parameters.contains_key("resize");
    let resize = match reader.choice("resize", &modes) {
        Some(FIXED_HEIGHT) => fixed_height(reader)?,
        None if is_stated => return None,
        _ => stretch(reader)?,
    };
    let pixels = resize.pixels_max();
    if pixels > OUTPUT_PIXELS_MAX {
        let text =
            format!("an output of {pixels} pixels is too large: at most {OUTPUT_PIXELS_MAX}");
        reader.errors.push(text);
    }
    Some(resize)
}

fn stretch(reader: &mut Reader<'_>) -> Option<Resize> {
    reader.refuse(&["width_multiple", "width_min", "width_max", "pad_value"], STRETCH);
    let width = reader.needed_size("width", STRETCH);
    let height = reader.needed_size("height", STRETCH);
    Some(Resize::Stretch { width: width?, height: height? })
}

fn fixed_height(reader: &mut Reader<'_>) -> Option<Resize> {
    reader.refuse(&["width"], FIXED_HEIGHT);
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

/// What [`per_channel`] reads.
const PER_CHANNEL: &str = "one number, or three with commas between them";

fn per_channel(text: &str) -> Option<[f32; 3]> {
    let numbers: Option<Vec<f32>> = text.split(',').map(number).collect();
    match *numbers?.as_slice() {
        [same] => Some([same; 3]),
        [first, second, third] => Some([first, second, third]),
        _ => None,
    }
}

fn number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|number: &f32| number.is_finite())
}

#[cfg(test)]
mod tests;
