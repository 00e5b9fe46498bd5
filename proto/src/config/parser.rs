//! Reads messages: which field comes next, and what to do when it is not one.
//!
//! It goes on after a fault, so that one run tells everything that is wrong. To do so it always
//! moves forward, and it keeps the list of open brackets, which tells where a lost closing one
//! belongs ([`brackets`]). Single values are for [`values`].

mod brackets;
mod values;

use prost_reflect::ReflectMessage as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::diagnostic::{Diagnostic, Position};
use super::lexer::{Lexer, Token};
use super::nearest::nearest;
use super::spans::{Recorder, Spans};
use brackets::{closer_of, is_closer};

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
        let is_repeated = field.is_list() || field.is_map();
        // The first place counts, and a path may have a key in it that is as long as the text.
        if !is_repeated || !message.has_field(&field) {
            self.spans.note(&self.path, at);
        }
        if is_repeated {
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
