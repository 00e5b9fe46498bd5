//! Takes `parameters` of `config.pbtxt` one by one and collects what is wrong with them: whoever
//! writes one sees all mistakes at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use nereid_backend::error::LoadError;

/// The parameter that every model of this engine has.
pub(crate) const OPERATION: &str = "operation";

/// The parameters of one operation.
pub(crate) struct Reader<'a> {
    operation: &'a str,
    parameters: &'a BTreeMap<String, String>,
    known: Vec<&'static str>,
    errors: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Nothing is read yet.
    pub(crate) fn new(operation: &'a str, parameters: &'a BTreeMap<String, String>) -> Self {
        Self { operation, parameters, known: vec![OPERATION], errors: Vec::new() }
    }

    /// The parameter `key` as `parse` reads it, or `default` if it is absent or wrong.
    pub(crate) fn read<T>(
        &mut self,
        key: &'static str,
        (expected, default): (&str, T),
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        self.known.push(key);
        let Some(text) = self.parameters.get(key).map(|text| text.trim()) else { return default };
        parse(text).unwrap_or_else(|| {
            self.errors.push(format!("parameter '{key}' must be {expected}, not \"{text}\""));
            default
        })
    }

    /// One of a few words; the first unless stated.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.read(key, (&names.join(" or "), choices[0].1), |text| {
            choices.iter().find(|(name, _)| *name == text).map(|&(_, value)| value)
        })
    }

    /// A whole number in a range.
    pub(crate) fn count(
        &mut self,
        key: &'static str,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> usize {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| text.parse().ok().filter(|count| range.contains(count));
        self.read(key, (&expected, default), parse)
    }

    /// A number in a range.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f32>,
        default: f32,
    ) -> f32 {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let parse = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.read(key, (&expected, default), parse)
    }

    /// An axis, counted from the end: 1 is the last, which is written -1.
    pub(crate) fn axis(&mut self) -> usize {
        let expected = "-1 for the last axis, -2 for the one before it, and so on: axes are \
                        counted from the end, so that the batch axis does not count";
        let parse = |text: &str| text.strip_prefix('-')?.parse().ok().filter(|&axis| axis > 0);
        self.read("axis", (expected, 1), parse)
    }

    /// Refuses what nobody has read.
    ///
    /// # Errors
    /// Everything that is wrong, one a line.
    pub(crate) fn finish(mut self) -> Result<(), LoadError> {
        let unknown = self.parameters.keys().filter(|key| !self.known.contains(&key.as_str()));
        for key in unknown {
            let (operation, known) = (self.operation, self.known.join(", "));
            let text = format!("parameter '{key}' is unknown: {operation} knows {known}");
            self.errors.push(text);
        }
        if self.errors.is_empty() { Ok(()) } else { Err(LoadError::new(self.errors.join("\n"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once() {
        let parameters = [("k", "0"), ("axis", "1"), ("t", "nan"), ("way", "up"), ("blnk", "")];
        let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut reader = Reader::new("top_k", &parameters);
        assert_eq!(reader.count("k", 1..=9, 7), 7);
        assert_eq!(reader.axis(), 1);
        assert!((reader.number("t", 0.0..=1.0, 0.25) - 0.25).abs() < f32::EPSILON);
        assert_eq!(reader.choice("way", &[("left", 1), ("right", 2)]), 1);
        let expected = "parameter 'k' must be a whole number from 1 to 9, not \"0\"\n\
            parameter 'axis' must be -1 for the last axis, -2 for the one before it, and so on: \
            axes are counted from the end, so that the batch axis does not count, not \"1\"\n\
            parameter 't' must be a number from 0 to 1, not \"nan\"\n\
            parameter 'way' must be \"left\" or \"right\", not \"up\"\n\
            parameter 'blnk' is unknown: top_k knows operation, k, axis, t, way";
        assert_eq!(reader.finish().unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_absent_is_the_default() {
        let parameters = [("axis".to_owned(), " -3 ".to_owned())].into();
        let mut reader = Reader::new("softmax", &parameters);
        assert_eq!((reader.count("k", 1..=9, 7), reader.axis()), (7, 3));
        assert!(reader.finish().is_ok());
    }
}
