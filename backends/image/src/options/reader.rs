//! Takes parameters one by one and collects what is wrong with them.

use std::collections::BTreeMap;

use nereid_kernels::cpu::AXIS_MAX;

/// What [`Reader::per_channel`] reads.
const PER_CHANNEL: &str = "one number, or three with commas between them";

pub(super) struct Reader<'a> {
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) errors: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for key in self.parameters.keys().filter(|key| !known.contains(&key.as_str())) {
            let known = known.join(", ");
            self.errors
                .push(format!("parameter '{key}' is unknown: the image backend knows {known}"));
        }
    }

    /// The parameter `key` as `parse` reads it, or `None` if it is absent or wrong.
    pub(super) fn read<T>(
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

    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.read(key, &names.join(" or "), |text| {
            choices.iter().find(|(name, _)| *name == text).map(|&(_, value)| value)
        })
    }

    pub(super) fn size(&mut self, key: &str, max: usize) -> Option<usize> {
        let parse = |text: &str| text.parse().ok().filter(|size| (1..=max).contains(size));
        self.read(key, &format!("a whole number from 1 to {max}"), parse)
    }

    /// A size that must be there.
    pub(super) fn needed_size(&mut self, key: &str, mode: &str) -> Option<usize> {
        if !self.parameters.contains_key(key) {
            self.errors.push(format!("parameter '{key}' is missing: resize \"{mode}\" needs it"));
        }
        self.size(key, AXIS_MAX)
    }

    /// A number for each channel.
    pub(super) fn per_channel(&mut self, key: &str) -> Option<[f32; 3]> {
        self.read(key, PER_CHANNEL, per_channel)
    }

    /// Refuses parameters that would do nothing in a `mode`, such as `resize "none"`.
    pub(super) fn refuse(&mut self, keys: &[&str], mode: &str) {
        for key in keys.iter().filter(|key| self.parameters.contains_key(**key)) {
            self.errors.push(format!("parameter '{key}' does not go with {mode}"));
        }
    }
}

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
