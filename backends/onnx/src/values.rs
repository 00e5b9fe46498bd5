//! Options as people write them: text by key. Everything that is wrong with them is told at once.

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;

/// The values of some options, and what is wrong with those that were asked for so far.
pub(crate) struct Values<'a> {
    /// What an option is called in errors, such as `parameter`.
    what: &'static str,
    stated: &'a BTreeMap<String, String>,
    errors: Vec<String>,
}

impl<'a> Values<'a> {
    /// Nothing is wrong yet.
    pub(crate) fn new(what: &'static str, stated: &'a BTreeMap<String, String>) -> Self {
        Self { what, stated, errors: Vec::new() }
    }

    /// The text of an option, if it is stated.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.stated.get(key).map(|text| text.trim())
    }

    /// A whole number from 0 to `max`, if it is stated.
    pub(crate) fn number(&mut self, key: &str, max: usize) -> Option<usize> {
        match self.text(key)?.parse() {
            Ok(number) if number <= max => Some(number),
            _ => {
                self.wrong(key, &format!("a whole number from 0 to {max}"));
                None
            }
        }
    }

    /// 0 or 1, if it is stated.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.text(key)? {
            "0" => Some(false),
            "1" => Some(true),
            _ => {
                self.wrong(key, "0 or 1");
                None
            }
        }
    }

    /// Notes that the value of `key` is not what was `expected`.
    pub(crate) fn wrong(&mut self, key: &str, expected: &str) {
        let text = self.text(key).unwrap_or_default();
        self.errors.push(format!("{} '{key}' must be {expected}, not \"{text}\"", self.what));
    }

    /// `made` of these values, if nothing is wrong with them.
    ///
    /// # Errors
    /// All that is wrong, one line each.
    pub(crate) fn finish<T>(self, made: T) -> Result<T, LoadError> {
        if self.errors.is_empty() { Ok(made) } else { Err(LoadError::new(self.errors.join("\n"))) }
    }
}
