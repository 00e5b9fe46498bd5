//! Declarations of variables and parameters, in a module and in a function.

use super::token::{Tokens, immediate};
use super::types::Type;

/// `.align 4 .b8 name[36]`, without the space before and the values behind.
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) align: usize,
    element: Type,
    /// `None` of `name[]`, whose size the launch tells.
    pub(super) size: Option<usize>,
}

/// No variable of a kernel is larger.
const VARIABLE_BYTES_MAX: usize = 1 << 20;

impl Declaration {
    /// # Errors
    /// What is none, or larger than a limit.
    pub(super) fn read(tokens: &mut Tokens) -> Result<Self, String> {
        let (mut align, mut element) = (1, None);
        loop {
            let word = tokens.next()?;
            match word.strip_prefix('.') {
                Some("align") => align = tokens.number()?,
                Some("ptr" | "global" | "const" | "shared") if element.is_some() => {}
                Some(name) if element.is_none() => {
                    let ty = Type::parse(name).filter(|ty| *ty != Type::Pred);
                    element = Some(ty.ok_or_else(|| format!("type `{word}` is not known here"))?);
                }
                Some(_) => return Err(format!("`{word}` is not known in a declaration")),
                None => {
                    let element = element.ok_or("expected a type before the name")?;
                    return Self::sized(tokens, word, align.max(element.size()), element);
                }
            }
        }
    }

    fn sized(
        tokens: &mut Tokens,
        name: String,
        align: usize,
        element: Type,
    ) -> Result<Self, String> {
        let mut size = Some(element.size());
        if !align.is_power_of_two() {
            return Err(format!("expected an alignment that is a power of 2, found {align}"));
        }
        if tokens.eat("[") {
            size = None;
            if !tokens.eat("]") {
                let count: usize = tokens.number()?;
                size = count.checked_mul(element.size());
                size = Some(size.filter(|size| *size <= VARIABLE_BYTES_MAX).ok_or_else(|| {
                    format!("expected at most {VARIABLE_BYTES_MAX} bytes of `{name}`")
                })?);
                tokens.expect("]")?;
            }
        }
        Ok(Self { name, align, element, size })
    }

    /// The bytes that it begins with: zeros, or what is stated.
    ///
    /// # Errors
    /// Values that are no numbers, or too many.
    pub(super) fn values(&self, tokens: &mut Tokens) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; self.size.ok_or("expected a size")?];
        if !tokens.eat("=") {
            return Ok(bytes);
        }
        let is_list = tokens.eat("{");
        for place in bytes.chunks_exact_mut(self.element.size()) {
            let word = tokens.next()?;
            let value = immediate(&word).ok_or_else(|| format!("`{word}` is no number"))?;
            place.copy_from_slice(&value.to_le_bytes()[..self.element.size()]);
            if !is_list || !tokens.eat(",") {
                break;
            }
        }
        if is_list {
            tokens.expect("}")?;
        }
        Ok(bytes)
    }
}
