//! Cuts the text into words, numbers, strings and symbols.
//!
//! It never fails: a fault is noted, and what could be read of the token is handed on.

use std::fmt;
use std::str::Chars;

use super::diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Position};

/// How much of a word is quoted in a message.
const QUOTE_CHARS_MAX: usize = 40;

/// One piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// A name, or a value that is written as one.
    Word(&'t str),
    /// What starts like a number.
    Number(&'t str),
    /// A string without its quotes, escapes resolved.
    Text(Vec<u8>),
    /// Any other character.
    Symbol(char),
    /// Nothing is left.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Number(text) => write!(f, "'{}'", shorten(text)),
            Self::Text(bytes) => write!(f, "\"{}\"", shorten(&String::from_utf8_lossy(bytes))),
            Self::Symbol(symbol) => write!(f, "'{}'", symbol.escape_debug()),
            Self::End => f.write_str("the end of the text"),
        }
    }
}

/// Walks over the text, and collects what is wrong with it.
pub(super) struct Lexer<'t> {
    chars: Chars<'t>,
    position: Position,
    diagnostics: Vec<Diagnostic>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let position = Position { line: 1, column: 1 };
        Self { chars: text.chars(), position, diagnostics: Vec::new() }
    }

    /// Notes a fault; the last one that fits ends the reading.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        }
        if self.diagnostics.len() == DIAGNOSTICS_MAX {
            self.stop();
        }
    }

    /// Leaves the rest unread.
    pub(super) fn stop(&mut self) {
        self.chars = "".chars();
    }

    /// Every fault in the order of the text: those of tokens were noted while the parser was still
    /// at the token before.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.position);
        self.diagnostics
    }

    /// The next token and where it starts.
    pub(super) fn next_token(&mut self) -> (Token<'t>, Position) {
        self.skip_blanks();
        let start = self.position;
        let token = match self.peek() {
            None => Token::End,
            Some('"' | '\'') => Token::Text(self.text(start)),
            Some(c) if is_word(c) && !c.is_ascii_digit() => Token::Word(self.take_while(is_word)),
            Some('0'..='9') => Token::Number(self.number()),
            Some('.') if self.is_fraction() => Token::Number(self.number()),
            Some(symbol) => {
                self.bump();
                Token::Symbol(symbol)
            }
        };
        (token, start)
    }

    fn peek(&self) -> Option<char> {
        self.chars.clone().next()
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.chars.next()?;
        self.position.advance(character);
        Some(character)
    }

    fn eat(&mut self, accept: impl Fn(char) -> bool) -> Option<char> {
        let character = self.peek().filter(|&c| accept(c))?;
        self.bump();
        Some(character)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'t str {
        let rest = self.chars.as_str();
        while self.eat(&accept).is_some() {}
        consumed(rest, self.chars.as_str())
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn is_fraction(&self) -> bool {
        self.chars.clone().nth(1).is_some_and(|c| c.is_ascii_digit())
    }

    /// Everything that may belong to a number; whether it is one, its field decides.
    fn number(&mut self) -> &'t str {
        let rest = self.chars.as_str();
        loop {
            let part = self.take_while(|c| is_word(c) || c == '.');
            if !part.ends_with(['e', 'E']) || self.eat(|c| c == '+' || c == '-').is_none() {
                return consumed(rest, self.chars.as_str());
            }
        }
    }

    fn text(&mut self, start: Position) -> Vec<u8> {
        let quote = self.bump();
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None | Some('\n') => {
                    let message = "the string that starts here has no closing quote on its line";
                    self.report(Diagnostic::new(start, message));
                    return bytes;
                }
                Some('\\') => self.escape(&mut bytes),
                character => {
                    self.bump();
                    if character == quote {
                        return bytes;
                    }
                    push(&mut bytes, character.unwrap_or_default());
                }
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let start = self.position;
        self.bump();
        match self.peek() {
            Some('0'..='7') => match self.digits(8, 3).map(u8::try_from) {
                Some(Ok(byte)) => bytes.push(byte),
                _ => self.bad_escape(start, "at most \\377"),
            },
            Some('x' | 'X') => {
                self.bump();
                match self.digits(16, 2).map(u8::try_from) {
                    Some(Ok(byte)) => bytes.push(byte),
                    _ => self.bad_escape(start, "one or two hexadecimal digits after \\x"),
                }
            }
            Some('u') => self.unicode(start, 4, bytes),
            Some('U') => self.unicode(start, 8, bytes),
            Some(letter) => self.letter(start, letter, bytes),
            None => {}
        }
    }

    fn letter(&mut self, start: Position, letter: char, bytes: &mut Vec<u8>) {
        let byte = match letter {
            'a' => 7,
            'b' => 8,
            't' => b'\t',
            'n' => b'\n',
            'v' => 11,
            'f' => 12,
            'r' => b'\r',
            '\\' => b'\\',
            '\'' => b'\'',
            '"' => b'"',
            '?' => b'?',
            _ => {
                return self
                    .bad_escape(start, "one of \\a \\b \\f \\n \\r \\t \\v \\? \\\\ \\' \\\"");
            }
        };
        self.bump();
        bytes.push(byte);
    }

    /// `\uXXXX` or `\UXXXXXXXX`; a pair of UTF-16 surrogates stands for one character.
    fn unicode(&mut self, start: Position, digits: usize, bytes: &mut Vec<u8>) {
        self.bump();
        let code = self.exactly(digits);
        let code = match code {
            Some(high @ 0xD800..0xDC00) if self.chars.as_str().starts_with("\\u") => {
                self.bump();
                self.bump();
                let low = self.exactly(4).filter(|low| (0xDC00..0xE000).contains(low));
                low.map(|low| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            }
            code => code,
        };
        match code.and_then(char::from_u32) {
            Some(character) => push(bytes, character),
            None => self.bad_escape(start, "the hexadecimal number of a Unicode character"),
        }
    }

    fn exactly(&mut self, count: usize) -> Option<u32> {
        let before = self.chars.as_str().len();
        let value = self.digits(16, count)?;
        (before - self.chars.as_str().len() == count).then_some(value)
    }

    /// Up to `max` digits; eight hexadecimal ones still fit.
    fn digits(&mut self, radix: u32, max: usize) -> Option<u32> {
        let mut value = None;
        for _ in 0..max {
            let Some(digit) = self.eat(|c| c.is_digit(radix)).and_then(|c| c.to_digit(radix))
            else {
                break;
            };
            value = Some(value.unwrap_or(0) * radix + digit);
        }
        value
    }

    fn bad_escape(&mut self, start: Position, expected: &str) {
        self.report(Diagnostic::new(start, format!("bad escape: expected {expected}")));
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn consumed<'t>(before: &'t str, after: &str) -> &'t str {
    before.get(..before.len() - after.len()).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().take(QUOTE_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
