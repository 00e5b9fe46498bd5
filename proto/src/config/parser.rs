//! Reads messages: which field comes next, and what to do when it is not one.
//!
//! It goes on after a fault, so that one run tells everything that is wrong. To do so it always
//! moves forward, and it keeps the list of open brackets, which tells where a lost closing one
//! belongs. Single values are for [`value`](super::value).

use prost_reflect::ReflectMessage as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::diagnostic::{Diagnostic, Position};
use super::lexer::{Lexer, Token};
use super::nearest::nearest;
use super::spans::{Recorder, Spans};
use super::value::{Literal, Misfit, Wanted, convert, names};

/// How deep brackets may be nested.
pub const DEPTH_MAX: usize = 100;

/// Reads a whole text as one message.
pub(super) fn parse(
    text: &str,
    schema: &MessageDescriptor,
) -> Result<(DynamicMessage, Spans), Vec<Diagnostic>> {
    let mut parser = Parser::new(text);
    let mut message = DynamicMessage::new(schema.clone());
    parser.body(&mut message);
    let diagnostics = parser.lexer.into_diagnostics();
    if diagnostics.is_empty() { Ok((message, parser.spans.finish())) } else { Err(diagnostics) }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    at: Position,
    /// The brackets that are open: what closes each, and where it was opened.
    open: Vec<(char, Position)>,
    /// Whether the reading ended early, so that open brackets are no fault of the text.
    is_stopped: bool,
    path: String,
    spans: Recorder,
}

/// The fields of one message that may not come again, with the place of each.
type Seen = Vec<(FieldDescriptor, Position)>;

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        let mut lexer = Lexer::new(text);
        let (token, at) = lexer.next_token();
        let (path, spans) = (String::new(), Recorder::default());
        Self { lexer, token, at, open: Vec::new(), is_stopped: false, path, spans }
    }

    fn advance(&mut self) -> Token<'t> {
        let (token, at) = self.lexer.next_token();
        self.at = at;
        std::mem::replace(&mut self.token, token)
    }

    fn eat(&mut self, symbol: char) -> bool {
        let is_next = self.token == Token::Symbol(symbol);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn report(&mut self, at: Position, message: impl Into<String>) {
        self.lexer.report(Diagnostic::new(at, message));
    }

    fn expected(&mut self, what: impl std::fmt::Display) {
        let message = format!("expected {what}, found {}", self.token);
        self.report(self.at, message);
    }

    fn stop(&mut self) {
        self.lexer.stop();
        self.token = Token::End;
        self.is_stopped = true;
    }

    /// The fields of a message, up to its closing bracket.
    fn body(&mut self, message: &mut DynamicMessage) {
        let mut seen = Seen::new();
        loop {
            match self.token {
                Token::End => return,
                Token::Word(name) => {
                    self.field(message, &mut seen, name);
                    let _ = self.eat(',') || self.eat(';');
                }
                Token::Symbol(closer) if is_closer(closer) => {
                    if !self.open.is_empty() {
                        return;
                    }
                    self.report(self.at, format!("'{closer}' closes nothing"));
                    self.advance();
                }
                _ => self.skip_line(),
            }
        }
    }

    fn field(&mut self, message: &mut DynamicMessage, seen: &mut Seen, name: &str) {
        let at = self.at;
        self.advance();
        let schema = message.descriptor();
        let Some(field) = schema.get_field_by_name(name) else {
            self.report_unknown(at, &schema, name);
            return self.skip_value();
        };
        if !self.eat(':') && !matches!(field.kind(), Kind::Message(_)) {
            self.expected(format_args!("':' after '{name}'"));
            if !self.starts_value(&field.kind()) {
                return;
            }
        }
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        self.spans.note(&self.path, at);
        if field.is_list() || field.is_map() {
            self.repeated(message, &field, at);
        } else {
            let is_new = self.check_new(seen, &field, at);
            if let Some(value) = self.value(&field).filter(|_| is_new) {
                message.set_field(&field, value);
            }
        }
        self.path.truncate(parent);
    }

    /// Whether a missing colon may be overlooked: a word could as well be the next field.
    fn starts_value(&self, kind: &Kind) -> bool {
        match self.token {
            Token::Number(_) | Token::Text(_) => true,
            Token::Symbol(symbol) => symbol == '-' || closer_of(symbol).is_some(),
            Token::Word(_) => matches!(kind, Kind::Enum(_) | Kind::Bool),
            Token::End => false,
        }
    }

    fn report_unknown(&mut self, at: Position, schema: &MessageDescriptor, name: &str) {
        let fields: Vec<_> = schema.fields().collect();
        let meant = nearest(name, fields.iter().map(FieldDescriptor::name));
        let message = format!("unknown field {} of {}", Token::Word(name), schema.name());
        let diagnostic = Diagnostic::new(at, message);
        self.lexer.report(match meant {
            Some(meant) => diagnostic.hint(format!("did you mean '{meant}'?")),
            None => diagnostic,
        });
    }

    /// A field that holds one value may come once, and one of each oneof.
    fn check_new(&mut self, seen: &mut Seen, field: &FieldDescriptor, at: Position) -> bool {
        let name = field.name();
        let oneof = field.containing_oneof();
        let rival = seen.iter().find_map(|(other, first)| {
            if other == field {
                return Some(format!("'{name}' is set twice; the first is at {first}"));
            }
            let oneof = oneof.as_ref().filter(|_| other.containing_oneof() == oneof)?;
            let (other, oneof) = (other.name(), oneof.name());
            Some(format!("'{name}' excludes '{other}' at {first}: only one {oneof} may be set"))
        });
        if let Some(message) = rival {
            self.report(at, message);
            return false;
        }
        seen.push((field.clone(), at));
        true
    }

    /// `field: value`, or a list of values in brackets; each occurrence adds to those before.
    fn repeated(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, at: Position) {
        if self.token != Token::Symbol('[') {
            return self.element(message, field, at);
        }
        if !self.open_bracket() {
            return;
        }
        if self.token != Token::Symbol(']') {
            self.element(message, field, self.at);
            while self.has_further_element() {
                self.element(message, field, self.at);
            }
        }
        self.close_bracket();
    }

    fn has_further_element(&mut self) -> bool {
        match self.token {
            Token::Symbol(',') => {
                self.advance();
                self.token != Token::End
            }
            Token::Number(_) | Token::Text(_) | Token::Symbol('-' | '{' | '<') => {
                self.expected("',' or ']'");
                true
            }
            _ => false,
        }
    }

    fn element(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, at: Position) {
        let index = match message.get_field(field).as_ref() {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        let (parent, mark) = (self.path.len(), self.spans.mark());
        self.path.extend(["[", &index.to_string(), "]"]);
        if matches!(field.kind(), Kind::Message(_)) {
            self.spans.note(&self.path, at);
        }
        let value = self.value(field);
        let from = self.path.clone();
        self.path.truncate(parent);
        match (value, message.get_field_mut(field)) {
            (Some(value), Value::List(list)) => list.push(value),
            (Some(Value::Message(entry)), Value::Map(map)) => {
                if let Some((key, value)) = key_and_value(&entry) {
                    let to = format!("{}[{}]", self.path, DisplayKey(&key));
                    self.spans.rename(mark, &format!("{from}.value"), &to);
                    self.spans.rename(mark, &from, &to);
                    // A later entry of the same key wins, as in protobuf.
                    map.insert(key, value);
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, field: &FieldDescriptor) -> Option<Value> {
        let kind = field.kind();
        match (&kind, &self.token) {
            (Kind::Message(schema), Token::Symbol('{' | '<')) => {
                let mut message = DynamicMessage::new(schema.clone());
                if self.open_bracket() {
                    self.body(&mut message);
                    self.close_bracket();
                }
                Some(Value::Message(message))
            }
            (_, Token::Symbol(symbol)) if closer_of(*symbol).is_some() => {
                self.expected(format_args!("{} for '{}'", Wanted(&kind), field.name()));
                self.skip_bracket();
                None
            }
            _ => self.scalar(&kind, field.name()),
        }
    }

    fn scalar(&mut self, kind: &Kind, name: &str) -> Option<Value> {
        let at = self.at;
        let (shown, literal) = self.literal();
        let misfit = match literal.map(|literal| convert(kind, literal)) {
            Some(Ok(value)) => return Some(value),
            Some(Err(misfit)) => misfit,
            None => Misfit::Type,
        };
        let diagnostic = match (misfit, kind) {
            (Misfit::Enum(meant), Kind::Enum(desc)) => {
                let hint = meant.map(|meant| format!("did you mean {meant}?"));
                let message = format!("{shown} is not a {}", desc.name());
                Diagnostic::new(at, message)
                    .hint(hint.unwrap_or_else(|| format!("it may be {}", names(desc))))
            }
            (Misfit::Range(bounds), _) => {
                Diagnostic::new(at, format!("{shown} is out of range for '{name}': {bounds}"))
            }
            (Misfit::Utf8, _) => {
                Diagnostic::new(at, format!("the string for '{name}' is not UTF-8"))
            }
            _ => {
                let wanted = Wanted(kind);
                Diagnostic::new(at, format!("expected {wanted} for '{name}', found {shown}"))
            }
        };
        self.lexer.report(diagnostic);
        if self.token == Token::Symbol(':') {
            // The value was forgotten, and what was taken for it is the name of the next field.
            self.skip_value();
        }
        None
    }

    /// A value that is not a message, and how to show it; strings side by side are one.
    fn literal(&mut self) -> (String, Option<Literal<'t>>) {
        let is_negative = self.eat('-');
        let shown = self.token.to_string();
        let shown = match shown.strip_prefix('\'') {
            Some(rest) if is_negative => format!("'-{rest}"),
            None if is_negative => format!("'-' {shown}"),
            _ => shown,
        };
        let literal = match self.token {
            Token::Word(text) => Literal::Word { is_negative, text },
            Token::Number(text) => Literal::Number { is_negative, text },
            Token::Text(_) => {
                let strings = self.strings();
                return (shown, (!is_negative).then_some(strings));
            }
            Token::End => return (shown, None),
            Token::Symbol(symbol) => {
                if !is_closer(symbol) && !matches!(symbol, ',' | ';') {
                    self.advance();
                }
                return (shown, None);
            }
        };
        self.advance();
        (shown, Some(literal))
    }

    fn strings(&mut self) -> Literal<'t> {
        let mut all = Vec::new();
        while let Token::Text(_) = self.token {
            if let Token::Text(bytes) = self.advance() {
                all.extend(bytes);
            }
        }
        Literal::Text(all)
    }

    /// Whatever follows the name of a field that does not exist.
    fn skip_value(&mut self) {
        let has_colon = self.eat(':');
        match self.token {
            Token::Symbol(symbol) if closer_of(symbol).is_some() => self.skip_bracket(),
            Token::Word(_) if !has_colon => {}
            Token::Word(_) | Token::Number(_) | Token::Text(_) | Token::Symbol('-') => {
                let _ = self.literal();
            }
            _ => {}
        }
    }

    /// Skips what cannot be the name of a field, and what follows on its line.
    fn skip_line(&mut self) {
        self.expected("the name of a field");
        let line = self.at.line;
        while self.at.line == line {
            match self.token {
                Token::End => return,
                Token::Symbol(symbol) if is_closer(symbol) => return,
                Token::Symbol(symbol) if closer_of(symbol).is_some() => self.skip_bracket(),
                _ => {
                    self.advance();
                }
            }
        }
    }

    /// Skips a bracket and all that is in it.
    fn skip_bracket(&mut self) {
        let outside = self.open.len();
        loop {
            match self.token {
                Token::Symbol(symbol) if closer_of(symbol).is_some() => {
                    self.open_bracket();
                }
                Token::Symbol(symbol) if is_closer(symbol) => self.close_bracket(),
                Token::End => self.close_bracket(),
                _ => {
                    self.advance();
                }
            }
            if self.open.len() <= outside {
                return;
            }
        }
    }

    fn open_bracket(&mut self) -> bool {
        let Token::Symbol(opener) = self.token else { return false };
        let Some(closer) = closer_of(opener) else { return false };
        if self.open.len() == DEPTH_MAX {
            self.report(self.at, format!("more than {DEPTH_MAX} brackets are open"));
            self.stop();
            return false;
        }
        self.open.push((closer, self.at));
        self.advance();
        true
    }

    fn close_bracket(&mut self) {
        let Some((closer, opened)) = self.open.pop() else { return };
        if self.eat(closer) || self.is_stopped {
            return;
        }
        self.lexer.report(
            Diagnostic::new(self.at, format!("expected '{closer}', found {}", self.token))
                .hint(format!("it would close the bracket at {opened}")),
        );
        match self.token {
            Token::End => self.stop(),
            // A wrong closing bracket stands for the right one, unless it belongs further out.
            Token::Symbol(found)
                if is_closer(found) && !self.open.iter().any(|(closer, _)| *closer == found) =>
            {
                self.advance();
            }
            _ => {}
        }
    }
}

fn closer_of(opener: char) -> Option<char> {
    match opener {
        '{' => Some('}'),
        '<' => Some('>'),
        '[' => Some(']'),
        _ => None,
    }
}

fn is_closer(symbol: char) -> bool {
    matches!(symbol, '}' | '>' | ']')
}

fn key_and_value(entry: &DynamicMessage) -> Option<(MapKey, Value)> {
    let schema = entry.descriptor();
    let key = entry.get_field(&schema.map_entry_key_field()).into_owned().into_map_key()?;
    let value = entry.get_field(&schema.map_entry_value_field()).into_owned();
    Some((key, value))
}

/// A map's key as paths write it: text in quotes.
struct DisplayKey<'k>(&'k MapKey);

impl std::fmt::Display for DisplayKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            MapKey::String(text) => write!(f, "\"{text}\""),
            MapKey::Bool(value) => write!(f, "{value}"),
            MapKey::I32(value) => write!(f, "{value}"),
            MapKey::I64(value) => write!(f, "{value}"),
            MapKey::U32(value) => write!(f, "{value}"),
            MapKey::U64(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests;
