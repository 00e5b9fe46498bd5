//! A cursor over JSON text. It builds no tree: whoever reads says what comes next.
//!
//! The grammar is RFC 8259, and beyond it the bare numbers `NaN`, `Infinity` and `-Infinity`. The
//! texts of syntax errors are those of Triton's parser, with the offset of the fault.

use std::borrow::Cow;
use std::ops::Range;

/// How deep arrays and objects may be nested.
pub(super) const DEPTH_MAX: usize = 100;

/// The length of a `\u` escape.
const UNICODE_BYTES: usize = "\\u0000".len();

/// Why a text could not be read as what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not JSON: what is missing, and at which byte.
    Syntax(&'static str, usize),
    /// It is JSON of another type, or has a value that cannot be taken.
    Value(String),
}

impl Fault {
    pub(super) fn value(text: impl Into<String>) -> Self {
        Self::Value(text.into())
    }

    /// The fault of a value that is not of the type it should be.
    pub(super) fn not(what: &str) -> Self {
        Self::Value(format!("attempt to access JSON non-{what} as {what}"))
    }
}

pub(super) type Read<T> = Result<T, Fault>;

/// A place in a text.
#[derive(Clone)]
pub(super) struct Reader<'t> {
    text: &'t [u8],
    /// What of the text is UTF-8, up to the first fault: looked at once, not string by string.
    valid: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let valid = std::str::from_utf8(text)
            .or_else(|fault| std::str::from_utf8(&text[..fault.valid_up_to()]));
        let valid = valid.unwrap_or_default();
        Self { text, valid, at: 0, depth: 0 }
    }

    /// A reader of the value at `range` of the same text.
    pub(super) fn within(&self, range: Range<usize>) -> Self {
        Self { text: &self.text[..range.end], at: range.start, ..*self }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.text.len() - self.at
    }

    /// The first byte of what comes next.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => return Some(*byte),
            }
        }
        None
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn fault<T>(&self, text: &'static str) -> Read<T> {
        Err(Fault::Syntax(text, self.at))
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("The document root must not be followed by other values."),
        }
    }

    /// Reads an object; `member` reads each value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Read<()>,
    ) -> Read<()> {
        if !self.open(b'{')? {
            return self.mismatch("object");
        }
        if self.eat(b'}') {
            return self.close();
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fault("Missing a name for object member.");
            }
            let name = self.string()?;
            if !self.eat(b':') {
                return self.fault("Missing a colon after a name of object member.");
            }
            member(self, &name)?;
            if self.eat(b'}') {
                return self.close();
            }
            if !self.eat(b',') {
                return self.fault("Missing a comma or } after an object member.");
            }
        }
    }

    /// Reads an array; `element` reads each value.
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if !self.open(b'[')? {
            return self.mismatch("array");
        }
        if self.eat(b']') {
            return self.close();
        }
        loop {
            element(self)?;
            if self.eat(b']') {
                return self.close();
            }
            if !self.eat(b',') {
                return self.fault("Missing a comma or ] after an array element.");
            }
        }
    }

    fn open(&mut self, bracket: u8) -> Read<bool> {
        match self.peek() {
            None => self.ended(),
            Some(byte) if byte != bracket => Ok(false),
            Some(_) if self.depth == DEPTH_MAX => self.fault("Nested too deeply."),
            Some(_) => {
                self.at += 1;
                self.depth += 1;
                Ok(true)
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends functions that return this")]
    fn close(&mut self) -> Read<()> {
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string, which is borrowed unless it has escapes.
    pub(super) fn string(&mut self) -> Read<Cow<'t, str>> {
        if !self.eat(b'"') {
            return self.mismatch("string");
        }
        let start = self.at;
        let length = self.text[start..].iter().position(|&byte| is_special(byte));
        let Some(length) = length else { return self.unclosed() };
        self.at += length;
        let plain = self.utf8(start..self.at)?;
        if self.text[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain.to_owned()).map(Cow::Owned)
    }

    /// The rest of a string, which begins with an escape or a control character.
    fn escaped(&mut self, mut string: String) -> Read<String> {
        loop {
            let start = self.at;
            let length = self.text[start..].iter().position(|&byte| is_special(byte));
            let Some(length) = length else { return self.unclosed() };
            self.at += length;
            string.push_str(self.utf8(start..self.at)?);
            match self.text[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => string.push(self.escape()?),
                _ => return self.fault("Invalid encoding in string."),
            }
        }
    }

    /// An escape, which begins here; its faults are told here, too.
    fn escape(&mut self) -> Read<char> {
        let Some(&byte) = self.text.get(self.at + 1) else { return self.unclosed() };
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.fault("Invalid escape character in string."),
        };
        self.at += 2;
        Ok(character)
    }

    /// `\u` and four digits; a character beyond the first 65,536 is two of them.
    fn unicode(&mut self) -> Read<char> {
        let first = self.hex(self.at)?;
        let second_at = self.at + UNICODE_BYTES;
        let (code, length) = match first {
            0xD800..0xDC00 if self.text[second_at..].starts_with(b"\\u") => {
                let second = self.hex(second_at)?;
                if !(0xDC00..0xE000).contains(&second) {
                    return self.fault("The surrogate pair in string is invalid.");
                }
                (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 2 * UNICODE_BYTES)
            }
            code => (code, UNICODE_BYTES),
        };
        match char::from_u32(code) {
            Some(character) => {
                self.at += length;
                Ok(character)
            }
            None => self.fault("The surrogate pair in string is invalid."),
        }
    }

    /// The number in the `\u` escape at `at`.
    fn hex(&self, at: usize) -> Read<u32> {
        let digits = self
            .text
            .get(at + 2..at + UNICODE_BYTES)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => Ok(code),
            None => self.fault("Incorrect hex digit after \\u escape in string."),
        }
    }

    fn utf8(&self, range: Range<usize>) -> Read<&'t str> {
        if let Some(valid) = self.valid.get(range.clone()) {
            return Ok(valid);
        }
        std::str::from_utf8(&self.text[range.clone()]).map_err(|error| {
            let at = range.start + error.valid_up_to();
            Fault::Syntax("Invalid encoding in string.", at)
        })
    }

    fn unclosed<T>(&self) -> Read<T> {
        Err(Fault::Syntax("Missing a closing quotation mark in string.", self.text.len()))
    }

    /// The fault of a value that is missing because the text ends.
    fn ended<T>(&self) -> Read<T> {
        self.fault(if self.depth == 0 { "The document is empty." } else { "Invalid value." })
    }

    /// The fault of a value that is not `what` it should be, if it is a value at all.
    fn mismatch<T>(&self, what: &str) -> Read<T> {
        self.clone().skip()?;
        Err(Fault::not(what))
    }

    /// Reads the text of a number, `NaN` and `Infinity` included; `what` should be there.
    pub(super) fn number(&mut self, what: &str) -> Read<&'t str> {
        match self.try_number() {
            Some(text) => Ok(text),
            None => self.mismatch(what),
        }
    }

    fn try_number(&mut self) -> Option<&'t str> {
        self.peek();
        let start = self.at;
        self.at += number_length(&self.text[start..])?;
        // What `number_length` has accepted is ASCII.
        self.utf8(start..self.at).ok()
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self) -> Read<bool> {
        match self.try_boolean() {
            Some(value) => Ok(value),
            None => self.mismatch("boolean"),
        }
    }

    fn try_boolean(&mut self) -> Option<bool> {
        if self.word("true") { Some(true) } else { self.word("false").then_some(false) }
    }

    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    /// Skips a value of any type, and tells where it stood.
    pub(super) fn span(&mut self) -> Read<Range<usize>> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(start..self.at)
    }

    /// Skips a value of any type.
    pub(super) fn skip(&mut self) -> Read<()> {
        match self.peek() {
            None => return self.ended(),
            Some(b'{') => self.object(|reader, _| reader.skip())?,
            Some(b'[') => self.array(Self::skip)?,
            Some(b'"') => drop(self.string()?),
            Some(b't' | b'f') if self.try_boolean().is_some() => {}
            Some(b'n') if self.word("null") => {}
            Some(_) if self.try_number().is_some() => {}
            Some(_) => return self.fault("Invalid value."),
        }
        Ok(())
    }
}

/// What ends the plain part of a string.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..0x20)
}

/// The length of the number at the start of `text`, by JSON's grammar and with its two names.
fn number_length(text: &[u8]) -> Option<usize> {
    let sign = usize::from(text.first() == Some(&b'-'));
    let unsigned = &text[sign..];
    if unsigned.starts_with(b"Infinity") {
        return Some(sign + "Infinity".len());
    }
    if text.starts_with(b"NaN") {
        return Some("NaN".len());
    }
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned[0] == b'0') {
        return None;
    }
    let mut length = whole;
    if unsigned.get(length) == Some(&b'.') {
        let fraction = digits(&unsigned[length + 1..]);
        if fraction == 0 {
            return None;
        }
        length += 1 + fraction;
    }
    if matches!(unsigned.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(unsigned.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(&unsigned[length + 1 + signed..]);
        if exponent == 0 {
            return None;
        }
        length += 1 + signed + exponent;
    }
    Some(sign + length)
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests;
