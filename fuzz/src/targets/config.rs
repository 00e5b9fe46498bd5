//! The text of a `config.pbtxt`, and what the model repository makes of it.

use nereid_backend::spec::Signature;
use nereid_model_repository::complete::complete;
use nereid_model_repository::layout::ModelFolder;
use nereid_model_repository::stated::Stated;
use nereid_proto::config::{
    DIAGNOSTICS_MAX, Diagnostic, Parsed, Position, TEXT_BYTES_MAX, from_json, parse,
};
use nereid_proto::inference::ModelConfig;
use nereid_proto::json::to_json;

use crate::memory::bounded;

/// What reading takes for each byte: a message in braces is two bytes of text and 300 in memory,
/// and the path of each field is kept, which may have a long key in it.
const BYTES_PER_BYTE: usize = 500;

pub(super) fn run(data: &[u8]) {
    // The descriptors are read once.
    to_json(&ModelConfig::default());
    let parsed = bounded(BYTES_PER_BYTE * data.len() + (64 << 10), || parse(data));
    match parsed {
        Ok(parsed) => check(data, parsed),
        Err(diagnostics) => check_diagnostics(data, &diagnostics),
    }
}

/// Faults are in their order, and each is in the text.
fn check_diagnostics(data: &[u8], diagnostics: &[Diagnostic]) {
    assert!(!diagnostics.is_empty() && diagnostics.len() <= DIAGNOSTICS_MAX);
    assert!(diagnostics.is_sorted_by_key(|diagnostic| diagnostic.position), "{diagnostics:?}");
    for diagnostic in diagnostics {
        let text = diagnostic.to_string();
        assert!(is_in(data, diagnostic.position), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

/// Whether `position` is that of a character, or behind the last of a line.
fn is_in(data: &[u8], position: Position) -> bool {
    let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    let text = String::from_utf8_lossy(data);
    let line = position.line.checked_sub(1).and_then(|index| text.split('\n').nth(index));
    line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&position.column))
}

fn check(data: &[u8], parsed: Parsed) {
    let shown = to_json(&parsed.config);
    // Names of fields may be longer than the text.
    if shown.len() <= TEXT_BYTES_MAX {
        let again = from_json(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(to_json(&again), shown);
    }
    for path in ["name", "max_batch_size", "input", "input[0].dims", "parameters", "instance_group"]
    {
        assert!(parsed.spans.get(path).is_none_or(|position| is_in(data, position)), "{path}");
    }
    let folder = ModelFolder { name: "m".into(), path: "/no/such/folder".into(), config: None };
    let stated = Stated::check(&folder, parsed);
    check_problems(data, &stated);
    check_completed(data, stated);
}

/// The first of the problems is in the text.
fn check_problems(data: &[u8], stated: &Stated) {
    let Err(error) = stated.problems.check() else { return };
    let text = error.to_string();
    let place = text.strip_prefix("/no/such/folder/config.pbtxt:").expect("the file's name");
    let mut numbers = place.split(':').map_while(|number| number.parse().ok());
    // A field that is missing has no place.
    if let (Some(line), Some(column)) = (numbers.next(), numbers.next()) {
        assert!(is_in(data, Position { line, column }), "{text}");
    }
}

/// An engine that finds just what is stated refuses nothing that was right so far, and nothing of
/// what it finds gets lost.
fn check_completed(data: &[u8], mut stated: Stated) {
    let is_right = stated.problems.check().is_ok();
    let found = stated.signature();
    let completed = complete(&mut stated, &found, 4);
    check_problems(data, &stated);
    let Signature { inputs, outputs, .. } = completed.signature;
    assert!(!is_right || inputs.len() >= found.inputs.len(), "{inputs:?}");
    assert!(!is_right || outputs.len() >= found.outputs.len(), "{outputs:?}");
}
