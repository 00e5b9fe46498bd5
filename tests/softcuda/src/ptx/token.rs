//! Words and marks of PTX, with their lines.

/// A word is a name, number, directive or mnemonic with its modifiers; a mark is one character.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: u32,
}

/// What is left to read.
pub(super) struct Tokens {
    list: std::iter::Peekable<std::vec::IntoIter<Token>>,
    line: u32,
}

/// More text than this is no kernel.
const SOURCE_BYTES_MAX: usize = 16 << 20;

impl Tokens {
    /// # Errors
    /// Text that is too long, or a comment or string without end.
    pub(super) fn read(source: &str) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("expected at most {SOURCE_BYTES_MAX} bytes of PTX"));
        }
        Ok(Self { list: split(source)?.into_iter().peekable(), line: 1 })
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn peek(&mut self) -> Option<&str> {
        self.list.peek().map(|token| token.text.as_str())
    }

    /// # Errors
    /// The end of the text.
    pub(super) fn next(&mut self) -> Result<String, String> {
        let token = self.list.next().ok_or("the text ends too early")?;
        self.line = token.line;
        Ok(token.text)
    }

    /// Whether the next is this; then it is read.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_next = self.peek() == Some(text);
        if is_next && let Some(token) = self.list.next() {
            self.line = token.line;
        }
        is_next
    }

    /// # Errors
    /// Another one.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == text { Ok(()) } else { Err(format!("expected `{text}`, found `{found}`")) }
    }

    /// # Errors
    /// What is no number that fits.
    pub(super) fn number<T: TryFrom<u64>>(&mut self) -> Result<T, String> {
        let text = self.next()?;
        let value = immediate(&text).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| format!("expected a number, found `{text}`"))
    }
}

/// The bits of a number: decimal or hexadecimal, or a float as its bits after `0f` or `0d`.
pub(super) fn immediate(text: &str) -> Option<u64> {
    let bits = |digits: &str, count| {
        (digits.len() == count).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    };
    if let Some(digits) = text.strip_prefix("0f").or(text.strip_prefix("0F")) {
        return bits(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0d").or(text.strip_prefix("0D")) {
        return bits(digits, 16);
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let digits = digits.strip_suffix('U').unwrap_or(digits);
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if is_negative { value.wrapping_neg() } else { value })
}

fn split(source: &str) -> Result<Vec<Token>, String> {
    let (mut rest, mut line, mut tokens) = (source, 1, Vec::new());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").ok_or("a comment has no end")? + 2,
            '"' => rest[1..].find('"').ok_or("a string has no end")? + 2,
            _ if is_of_word(first) || starts_negative(rest) => {
                rest[1..].find(|next| !is_of_word(next)).map_or(rest.len(), |end| end + 1)
            }
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        if !first.is_whitespace() && first != '/' {
            tokens.push(Token { text: text.to_owned(), line });
        }
        line += u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
        rest = after;
    }
    Ok(tokens)
}

fn starts_negative(rest: &str) -> bool {
    rest.starts_with('-') && rest[1..].starts_with(|next: char| next.is_ascii_digit())
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$' | '%' | '.')
}
