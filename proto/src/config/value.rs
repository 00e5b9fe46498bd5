//! Turns what stands after a field's name into a value of the field's type.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use prost_reflect::{EnumDescriptor, EnumValueDescriptor, Kind, Value};

use super::nearest::nearest;

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Literal<'t> {
    /// A name such as `true` or `KIND_CPU`.
    Word {
        /// Whether a `-` stands before it.
        is_negative: bool,
        /// The name itself.
        text: &'t str,
    },
    /// A number without its sign.
    Number {
        /// Whether a `-` stands before it.
        is_negative: bool,
        /// Its digits.
        text: &'t str,
    },
    /// The bytes of a string.
    Text(Vec<u8>),
}

/// Why a value does not fit its field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is another sort of value.
    Type,
    /// A whole number that is too large or too small for these bounds.
    Range(String),
    /// The enum has no such name or number; perhaps the name that was meant.
    Enum(Option<String>),
    /// A string that is not UTF-8.
    Utf8,
}

/// What a field of this kind wants, for people.
pub(super) struct Wanted<'k>(pub(super) &'k Kind);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Double | Kind::Float => "a number",
            Kind::Bool => "true or false",
            Kind::String | Kind::Bytes => "a string in quotes",
            Kind::Message(desc) => return write!(f, "a {} in braces", desc.name()),
            Kind::Enum(desc) => return write!(f, "a {} (a name without quotes)", desc.name()),
            _ => "a whole number",
        })
    }
}

/// Converts a value to the type of its field; messages are not values in this sense.
pub(super) fn convert(kind: &Kind, literal: Literal<'_>) -> Result<Value, Misfit> {
    match kind {
        Kind::Double => float(&literal).map(Value::F64),
        // A double that is too large for a float becomes infinite, as in C++.
        #[allow(clippy::cast_possible_truncation)]
        Kind::Float => float(&literal).map(|value| Value::F32(value as f32)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(&literal, i32::MIN..=i32::MAX).map(Value::I32)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(&literal, i64::MIN..=i64::MAX).map(Value::I64)
        }
        Kind::Uint32 | Kind::Fixed32 => integer(&literal, u32::MIN..=u32::MAX).map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => integer(&literal, u64::MIN..=u64::MAX).map(Value::U64),
        Kind::Bool => boolean(&literal).map(Value::Bool),
        Kind::Enum(desc) => enumerator(desc, &literal).map(Value::EnumNumber),
        Kind::String => match literal {
            Literal::Text(bytes) => {
                String::from_utf8(bytes).map(Value::String).map_err(|_| Misfit::Utf8)
            }
            _ => Err(Misfit::Type),
        },
        Kind::Bytes => match literal {
            Literal::Text(bytes) => Ok(Value::Bytes(bytes.into())),
            _ => Err(Misfit::Type),
        },
        Kind::Message(_) => Err(Misfit::Type),
    }
}

/// All names of an enum, for people.
pub(super) fn names(desc: &EnumDescriptor) -> String {
    let names: Vec<_> = desc.values().map(|value| value.name().to_owned()).collect();
    names.join(", ")
}

/// Decimal, hexadecimal after `0x`, octal after `0`.
fn whole(literal: &Literal<'_>) -> Option<i128> {
    let Literal::Number { is_negative, text } = literal else { return None };
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..)?, 16),
        [b'0', _, ..] => (text.get(1..)?, 8),
        _ => (*text, 10),
    };
    let is_whole = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    // What even i128 cannot hold is out of any field's range: which number it is does not matter.
    let value = is_whole.then(|| i128::from_str_radix(digits, radix).unwrap_or(i128::MAX))?;
    Some(if *is_negative { -value } else { value })
}

fn integer<T>(literal: &Literal<'_>, bounds: RangeInclusive<T>) -> Result<T, Misfit>
where
    T: TryFrom<i128> + fmt::Display,
{
    let value = whole(literal).ok_or(Misfit::Type)?;
    T::try_from(value).map_err(|_| Misfit::Range(format!("{} to {}", bounds.start(), bounds.end())))
}

fn float(literal: &Literal<'_>) -> Result<f64, Misfit> {
    let (is_negative, value) = match literal {
        Literal::Number { is_negative, text } => (*is_negative, decimal(text)),
        Literal::Word { is_negative, text } => match text.to_ascii_lowercase().as_str() {
            "inf" | "infinity" => (*is_negative, Some(f64::INFINITY)),
            "nan" => (*is_negative, Some(f64::NAN)),
            _ => return Err(Misfit::Type),
        },
        Literal::Text(_) => return Err(Misfit::Type),
    };
    let value = value.ok_or(Misfit::Type)?;
    Ok(if is_negative { -value } else { value })
}

/// A decimal number, perhaps with an `f` behind it as in C; a leading 0 would make it octal, which
/// is for whole numbers only.
fn decimal(text: &str) -> Option<f64> {
    if text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // `from_str` would also read names, but those never come as numbers.
    f64::from_str(text.strip_suffix(['f', 'F']).unwrap_or(text)).ok()
}

fn boolean(literal: &Literal<'_>) -> Result<bool, Misfit> {
    match literal {
        Literal::Word { is_negative: false, text: "true" | "True" | "t" } => Ok(true),
        Literal::Word { is_negative: false, text: "false" | "False" | "f" } => Ok(false),
        Literal::Number { .. } => match whole(literal) {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(Misfit::Type),
        },
        _ => Err(Misfit::Type),
    }
}

fn enumerator(desc: &EnumDescriptor, literal: &Literal<'_>) -> Result<i32, Misfit> {
    match literal {
        Literal::Word { is_negative: false, text } => {
            let value = desc.get_value_by_name(text);
            value.map(|value| value.number()).ok_or_else(|| {
                let values: Vec<_> = desc.values().collect();
                let name = nearest(text, values.iter().map(EnumValueDescriptor::name));
                Misfit::Enum(name.map(str::to_owned))
            })
        }
        Literal::Number { .. } => {
            let number = whole(literal).ok_or(Misfit::Type)?;
            let known = i32::try_from(number).ok().filter(|&n| desc.get_value(n).is_some());
            known.ok_or(Misfit::Enum(None))
        }
        _ => Err(Misfit::Type),
    }
}
