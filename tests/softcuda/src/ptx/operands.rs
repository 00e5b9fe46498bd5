//! What stands behind a mnemonic: modifiers before the space, operands behind.

use super::body::Body;
use super::isa::{Operand, Register};
use super::token::{Tokens, immediate};
use super::types::Type;

/// An operand as written.
#[derive(Debug)]
pub(super) enum Argument {
    One(String),
    /// `%r1|%p1`
    Pair(String, String),
    /// `{%f1, %f2}`
    Vector(Vec<String>),
    /// `[%rd1+4]`
    Address(String, u64),
}

/// The operands of one instruction, taken one by one.
pub(super) struct Operands<'a> {
    pub(super) body: &'a mut Body,
    arguments: std::vec::IntoIter<Argument>,
}

/// The modifiers of one instruction, taken from the left.
pub(super) struct Modifiers<'a> {
    left: std::collections::VecDeque<&'a str>,
}

/// Up to the semicolon.
pub(super) fn read_arguments(tokens: &mut Tokens) -> Result<Vec<Argument>, String> {
    let mut arguments = Vec::new();
    if tokens.eat(";") {
        return Ok(arguments);
    }
    loop {
        arguments.push(read_argument(tokens)?);
        if !tokens.eat(",") {
            tokens.expect(";")?;
            return Ok(arguments);
        }
    }
}

fn read_argument(tokens: &mut Tokens) -> Result<Argument, String> {
    let word = tokens.next()?;
    match word.as_str() {
        "{" => {
            let mut parts = vec![tokens.next()?];
            while tokens.eat(",") {
                parts.push(tokens.next()?);
            }
            tokens.expect("}")?;
            Ok(Argument::Vector(parts))
        }
        "[" => {
            let base = tokens.next()?;
            let mut offset = 0;
            if tokens.eat("+") {
                let word = tokens.next()?;
                offset = immediate(&word).ok_or_else(|| format!("`{word}` is no offset"))?;
            }
            tokens.expect("]")?;
            Ok(Argument::Address(base, offset))
        }
        _ if tokens.eat("|") => Ok(Argument::Pair(word, tokens.next()?)),
        _ => Ok(Argument::One(word)),
    }
}

impl<'a> Operands<'a> {
    pub(super) fn new(body: &'a mut Body, arguments: Vec<Argument>) -> Self {
        Self { body, arguments: arguments.into_iter() }
    }

    pub(super) fn next(&mut self) -> Result<Argument, String> {
        self.arguments.next().ok_or_else(|| "expected more operands".into())
    }

    pub(super) fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Argument::One(word) => Ok(word),
            other => Err(format!("expected one operand, found {other:?}")),
        }
    }

    /// A register that is written.
    pub(super) fn to(&mut self) -> Result<Register, String> {
        Ok(self.typed()?.0)
    }

    /// As `to`, with its type.
    pub(super) fn typed(&mut self) -> Result<(Register, Type), String> {
        let word = self.word()?;
        self.body.register(&word)
    }

    /// A register or number that is read.
    pub(super) fn from(&mut self) -> Result<Operand, String> {
        let word = self.word()?;
        self.body.operand(&word)
    }

    /// One or several words.
    pub(super) fn words(&mut self) -> Result<Vec<String>, String> {
        match self.next()? {
            Argument::One(word) => Ok(vec![word]),
            Argument::Vector(words) => Ok(words),
            other => Err(format!("expected registers, found {other:?}")),
        }
    }

    pub(super) fn address(&mut self) -> Result<(Operand, u64), String> {
        match self.next()? {
            Argument::Address(base, offset) => Ok((self.body.operand(&base)?, offset)),
            other => Err(format!("expected an address, found {other:?}")),
        }
    }

    /// # Errors
    /// Operands that are left.
    pub(super) fn finish(mut self) -> Result<(), String> {
        match self.arguments.next() {
            None => Ok(()),
            Some(more) => Err(format!("expected no more operands, found {more:?}")),
        }
    }
}

impl<'a> Modifiers<'a> {
    pub(super) fn new(left: impl Iterator<Item = &'a str>) -> Self {
        Self { left: left.collect() }
    }

    /// Whether the next is this; then it is taken.
    pub(super) fn eat(&mut self, name: &str) -> bool {
        let is_next = self.left.front() == Some(&name);
        if is_next {
            self.left.pop_front();
        }
        is_next
    }

    /// The next, if the table has it.
    pub(super) fn one_of<T: Copy>(&mut self, table: &[(&str, T)]) -> Option<T> {
        let next = *self.left.front()?;
        let (_, value) = table.iter().find(|(name, _)| *name == next)?;
        self.left.pop_front();
        Some(*value)
    }

    /// # Errors
    /// No type, or one that the instruction has not.
    pub(super) fn ty(&mut self, known: &[&[Type]]) -> Result<Type, String> {
        let name = self.left.pop_front().ok_or("expected a type")?;
        let ty = Type::parse(name).filter(|ty| known.iter().any(|some| some.contains(ty)));
        ty.ok_or_else(|| format!("modifier or type `.{name}` is not known here"))
    }

    /// # Errors
    /// Modifiers that are left.
    pub(super) fn finish(mut self) -> Result<(), String> {
        match self.left.pop_front() {
            None => Ok(()),
            Some(name) => Err(format!("modifier or type `.{name}` is not known here")),
        }
    }
}
