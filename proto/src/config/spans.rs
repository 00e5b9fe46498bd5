//! Where each field of a parsed text stood.

use std::collections::HashMap;

use super::diagnostic::Position;

/// Positions by field path.
///
/// A path is written as in `input[0].dims`; repeated messages are counted from 0, entries of a map
/// carry their key, as in `parameters["key"].string_value`. The elements of lists of plain values
/// have no position of their own.
#[derive(Clone, Debug, Default)]
pub struct Spans(HashMap<String, Position>);

impl Spans {
    /// Where the text names the field, or `None` when it does not.
    pub fn get(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    /// Where the text names the field, or else the innermost thing around it that it names.
    pub fn nearest(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(position) = self.get(path) {
                return Some(position);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

/// The list that the parser writes: entries of maps are renamed once their key is known.
#[derive(Default)]
pub(super) struct Recorder(Vec<(String, Position)>);

impl Recorder {
    pub(super) fn note(&mut self, path: &str, position: Position) {
        self.0.push((path.to_owned(), position));
    }

    /// What [`Recorder::rename`] needs to tell later entries from those before.
    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    /// Renames all paths under `from` that were noted since `mark`.
    pub(super) fn rename(&mut self, mark: usize, from: &str, to: &str) {
        for (path, _) in self.0.iter_mut().skip(mark) {
            if let Some(rest) = path.strip_prefix(from) {
                *path = format!("{to}{rest}");
            }
        }
    }

    /// The first position of each path.
    pub(super) fn finish(self) -> Spans {
        let mut spans = HashMap::with_capacity(self.0.len());
        for (path, position) in self.0 {
            spans.entry(path).or_insert(position);
        }
        Spans(spans)
    }
}

#[cfg(test)]
mod tests;
