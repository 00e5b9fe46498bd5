//! What is wrong with a text, and where.

use std::fmt;

/// How many faults of one text are told; reading stops there.
pub const DIAGNOSTICS_MAX: usize = 100;

/// A place in a text; both count from 1, and columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Character in its line, from 1.
    pub column: usize,
}

impl Position {
    /// The place of the character that follows `text`.
    pub(super) fn after(text: &str) -> Self {
        let mut position = Self { line: 1, column: 1 };
        text.chars().for_each(|character| position.advance(character));
        position
    }

    /// Moves on by one character.
    pub(super) fn advance(&mut self, character: char) {
        if character == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One fault of a text. Displayed as `line:column: message; hint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is.
    pub position: Position,
    /// What was expected and what was found.
    pub message: String,
    /// What the author may have meant.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A fault without a hint.
    pub fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), hint: None }
    }

    /// The same with a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Diagnostic {}
