//! What `parameters` of a model's `config.pbtxt` say to this engine, checked as a whole: whoever
//! writes one sees all mistakes at once.

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;

/// Every key there is.
const KEYS: [&str; 2] = ["operation", "blank"];

/// Every value of `operation`.
const OPERATIONS: [&str; 1] = ["ctc_greedy_decode"];

/// How the operation `ctc_greedy_decode` works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `blank`: the class that stands for no label.
    pub(crate) blank: usize,
}

impl Options {
    /// Reads all parameters.
    ///
    /// # Errors
    /// Everything that is wrong with them, one a line.
    pub(crate) fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, LoadError> {
        let mut errors = Vec::new();
        for key in parameters.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let known = KEYS.join(", ");
            errors.push(format!(
                "parameter '{key}' is unknown: the postprocess backend knows {known}"
            ));
        }
        check_operation(parameters.get("operation"), &mut errors);
        let blank = parameters.get("blank").map_or("0", |text| text.trim());
        match blank.parse() {
            Ok(blank) if errors.is_empty() => return Ok(Self { blank }),
            Ok(_) => {}
            Err(_) => errors.push(format!(
                "parameter 'blank' must be the number of a class, from 0, not \"{blank}\""
            )),
        }
        Err(LoadError::new(errors.join("\n")))
    }
}

fn check_operation(operation: Option<&String>, errors: &mut Vec<String>) {
    let known = OPERATIONS.join(", ");
    match operation.map(|text| text.trim()) {
        None => errors.push(format!("parameter 'operation' is missing: it is one of {known}")),
        Some(name) if !OPERATIONS.contains(&name) => {
            errors.push(format!("parameter 'operation' must be one of {known}, not \"{name}\""));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parameters: &[(&str, &str)]) -> Result<Options, String> {
        let owned = parameters.iter().map(|&(key, value)| (key.into(), value.into()));
        Options::parse(&owned.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_operation_is_needed_and_the_blank_is_not() {
        let operation = ("operation", "ctc_greedy_decode");
        assert_eq!(parse(&[operation]), Ok(Options { blank: 0 }));
        assert_eq!(parse(&[operation, ("blank", " 96 ")]), Ok(Options { blank: 96 }));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let parameters = [("blnk", "1"), ("blank", "-1"), ("operation", "softmax")];
        let expected = "parameter 'blnk' is unknown: the postprocess backend knows operation, blank\n\
            parameter 'operation' must be one of ctc_greedy_decode, not \"softmax\"\n\
            parameter 'blank' must be the number of a class, from 0, not \"-1\"";
        assert_eq!(parse(&parameters), Err(expected.into()));
        let missing = "parameter 'operation' is missing: it is one of ctc_greedy_decode";
        assert_eq!(parse(&[]), Err(missing.into()));
    }
}
