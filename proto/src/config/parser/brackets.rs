//! Brackets that open and close, and what is skipped to find the next field after a fault.

use super::super::diagnostic::Diagnostic;
use super::super::lexer::Token;
use super::{DEPTH_MAX, Parser};

impl Parser<'_> {
    /// Whatever follows the name of a field that does not exist.
    pub(super) fn skip_value(&mut self) {
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
    pub(super) fn skip_line(&mut self) {
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
    pub(super) fn skip_bracket(&mut self) {
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

    pub(super) fn open_bracket(&mut self) -> bool {
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

    pub(super) fn close_bracket(&mut self) {
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

pub(super) fn closer_of(opener: char) -> Option<char> {
    match opener {
        '{' => Some('}'),
        '<' => Some('>'),
        '[' => Some(']'),
        _ => None,
    }
}

pub(super) fn is_closer(symbol: char) -> bool {
    matches!(symbol, '}' | '>' | ']')
}
