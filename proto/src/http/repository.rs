//! The bodies of requests to the model repository: small objects, of which each member is optional,
//! and so is the whole. They are read by the reader that inference has, so that the same fault has
//! the same text; nothing but what is asked for is kept.

use std::collections::BTreeMap;

use nereid_backend::error::InferError;

use super::json::{Fault, Read, Reader};
use super::request::{field, into_error};
use crate::infer::check_length;

/// Whether a request for the index wants only what is ready: `{"ready": true}`.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn wants_only_ready(body: &[u8]) -> Result<bool, InferError> {
    let mut only_ready = false;
    members(body, |reader, name| match name {
        "ready" => {
            only_ready = field(name, reader.boolean())?;
            Ok(())
        }
        _ => reader.skip(),
    })?;
    Ok(only_ready)
}

/// The parameters of a load, all of which are text.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn load_parameters(body: &[u8]) -> Result<BTreeMap<String, String>, InferError> {
    let mut parameters = BTreeMap::new();
    parameters_of(body, |reader, name| {
        check_length(parameters.len() + 1).map_err(Fault::Value)?;
        // Without the name of the field, as Triton has it.
        parameters.insert(name.to_owned(), reader.string()?.into_owned());
        Ok(())
    })?;
    Ok(parameters)
}

/// Whether an unload takes the models along that an ensemble is made of. As in Triton, it may have
/// other parameters, which say nothing.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn wants_dependents(body: &[u8]) -> Result<bool, InferError> {
    let mut with_dependents = false;
    parameters_of(body, |reader, name| match name {
        "unload_dependents" => {
            with_dependents = field(name, reader.boolean())?;
            Ok(())
        }
        _ => reader.skip(),
    })?;
    Ok(with_dependents)
}

fn parameters_of(
    body: &[u8],
    mut parameter: impl FnMut(&mut Reader<'_>, &str) -> Read<()>,
) -> Result<(), InferError> {
    members(body, |reader, name| match name {
        "parameters" => reader.object(&mut parameter),
        _ => reader.skip(),
    })
}

fn members(
    body: &[u8],
    member: impl FnMut(&mut Reader<'_>, &str) -> Read<()>,
) -> Result<(), InferError> {
    if body.is_empty() {
        return Ok(());
    }
    let mut reader = Reader::new(body);
    reader.object(member).and_then(|()| reader.end()).map_err(into_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome<T>(read: Result<T, InferError>) -> Result<T, String> {
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn an_index_may_be_of_what_is_ready() {
        let check = |body: &str, expected: Result<bool, &str>| {
            let read = outcome(wants_only_ready(body.as_bytes()));
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        };
        check("", Ok(false));
        check("{}", Ok(false));
        check(r#"{"ready": true}"#, Ok(true));
        check(r#"{"x": [{}], "ready": false}"#, Ok(false));
        check(
            "{bad",
            Err("failed to parse the request JSON buffer: Missing a name for object member. at 1"),
        );
        check(
            "{} {}",
            Err("failed to parse the request JSON buffer: The document root must not be followed \
                 by other values. at 3"),
        );
        check(
            r#"{"ready": 1}"#,
            Err("Unable to parse 'ready': attempt to access JSON non-boolean as boolean"),
        );
        check("[]", Err("attempt to access JSON non-object as object"));
    }

    #[test]
    fn parameters_of_a_load_are_text() {
        let check = |body: &str, expected: Result<&[(&str, &str)], &str>| {
            let read = outcome(load_parameters(body.as_bytes()));
            let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            let expected = expected.map(|all| all.iter().map(pair).collect());
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        };
        check("", Ok(&[]));
        check(r#"{"other": 1}"#, Ok(&[]));
        let body = r#"{"parameters": {"config": "{}", "file:1/m": "AA"}}"#;
        check(body, Ok(&[("config", "{}"), ("file:1/m", "AA")]));
        let text = "attempt to access JSON non-string as string";
        check(r#"{"parameters": {"config": {}}}"#, Err(text));
        check(r#"{"parameters": 1}"#, Err("attempt to access JSON non-object as object"));
        let many: Vec<_> = (0..1025).map(|index| format!(r#""{index}":"""#)).collect();
        let body = format!(r#"{{"parameters":{{{}}}}}"#, many.join(","));
        check(&body, Err("a request may list at most 1024 of anything"));
    }

    #[test]
    fn an_unload_may_take_others_along() {
        let check = |body: &str, expected: Result<bool, &str>| {
            let read = outcome(wants_dependents(body.as_bytes()));
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        };
        check("", Ok(false));
        check(r#"{"parameters": {"x": 1}}"#, Ok(false));
        check(r#"{"parameters": {"x": {}, "unload_dependents": true}}"#, Ok(true));
        check(
            r#"{"parameters": {"unload_dependents": "yes"}}"#,
            Err("Unable to parse 'unload_dependents': attempt to access JSON non-boolean as \
                 boolean"),
        );
    }
}
