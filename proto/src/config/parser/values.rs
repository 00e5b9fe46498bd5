//! What stands after a field's name: a message, or a single value, whose conversion is for
//! [`value`](super::super::value).

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::super::diagnostic::Diagnostic;
use super::super::lexer::Token;
use super::super::value::{Literal, Misfit, Wanted, convert, names};
use super::Parser;
use super::brackets::{closer_of, is_closer};

impl<'t> Parser<'t> {
    pub(super) fn value(&mut self, field: &FieldDescriptor) -> Option<Value> {
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
    pub(super) fn literal(&mut self) -> (String, Option<Literal<'t>>) {
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
}
