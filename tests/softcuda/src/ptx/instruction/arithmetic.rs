//! What computes registers from registers.

use crate::ptx::isa::{Binary, Comparison, Conversion, Op, Rounding, Unary};
use crate::ptx::operands::{Modifiers, Operands};
use crate::ptx::types::Type;

const ALL_BUT_PRED: &[Type] = &[Type::B16, Type::B32, Type::B64];
const HALF_AND_WORD: &[Type] = &[Type::U16, Type::S16, Type::U32, Type::S32];
const WORDS: &[Type] = &[Type::B32, Type::B64];
const WORD_INTEGERS: &[Type] = &[Type::U32, Type::U64, Type::S32, Type::S64];
const SIGNED: &[Type] = &[Type::S16, Type::S32, Type::S64];
const ANY_INTEGER: &[Type] =
    &[Type::U8, Type::U16, Type::U32, Type::U64, Type::S8, Type::S16, Type::S32, Type::S64];

pub(super) fn binary(
    opcode: &str,
    m: &mut Modifiers<'_>,
    o: &mut Operands<'_>,
) -> Result<Op, String> {
    let product = [("lo", Binary::Mul), ("hi", Binary::MulHigh), ("wide", Binary::MulWide)];
    let (op, ty) = if let Some(product) = (opcode == "mul").then(|| m.one_of(&product)).flatten() {
        (product, m.ty(&[if product == Binary::MulWide { HALF_AND_WORD } else { Type::INTEGERS }])?)
    } else if m.eat("rn") {
        (named(opcode)?, m.ty(&[if has_rounding(opcode) { Type::FLOATS } else { &[] }])?)
    } else {
        let floats = if matches!(opcode, "div" | "rem") { &[] } else { Type::FLOATS };
        let integers = if opcode == "mul" { &[] } else { Type::INTEGERS };
        (named(opcode)?, m.ty(&[integers, floats])?)
    };
    Ok(Op::Binary { op, ty, to: o.to()?, a: o.from()?, b: o.from()? })
}

fn has_rounding(opcode: &str) -> bool {
    matches!(opcode, "add" | "sub" | "mul" | "div")
}

fn named(opcode: &str) -> Result<Binary, String> {
    Ok(match opcode {
        "add" => Binary::Add,
        "sub" => Binary::Sub,
        "mul" => Binary::Mul,
        "div" => Binary::Div,
        "rem" => Binary::Rem,
        "min" => Binary::Min,
        "max" => Binary::Max,
        "and" => Binary::And,
        "or" => Binary::Or,
        "xor" => Binary::Xor,
        "shl" => Binary::ShiftLeft,
        "shr" => Binary::ShiftRight,
        _ => return Err(format!("opcode `{opcode}` is not known")),
    })
}

pub(super) fn bits(
    opcode: &str,
    m: &mut Modifiers<'_>,
    o: &mut Operands<'_>,
) -> Result<Op, String> {
    let ty = m.ty(match opcode {
        "shl" => &[ALL_BUT_PRED],
        "shr" => &[ALL_BUT_PRED, Type::INTEGERS],
        _ => &[Type::BITS],
    })?;
    Ok(Op::Binary { op: named(opcode)?, ty, to: o.to()?, a: o.from()?, b: o.from()? })
}

pub(super) fn mad(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let product = [("lo", Binary::Mul), ("hi", Binary::MulHigh), ("wide", Binary::MulWide)];
    let op = m.one_of(&product).ok_or("expected `.lo`, `.hi` or `.wide`")?;
    let ty = m.ty(&[if op == Binary::MulWide { HALF_AND_WORD } else { Type::INTEGERS }])?;
    Ok(Op::MulAdd { op, ty, to: o.to()?, a: o.from()?, b: o.from()?, c: o.from()? })
}

pub(super) fn fma(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    if !m.eat("rn") {
        return Err("expected `.rn`".into());
    }
    let ty = m.ty(&[Type::FLOATS])?;
    Ok(Op::Fma { ty, to: o.to()?, a: o.from()?, b: o.from()?, c: o.from()? })
}

pub(super) fn unary(
    opcode: &str,
    m: &mut Modifiers<'_>,
    o: &mut Operands<'_>,
) -> Result<Op, String> {
    let (op, known): (_, &[&[Type]]) = match opcode {
        "neg" => (Unary::Neg, &[SIGNED, Type::FLOATS]),
        "abs" => (Unary::Abs, &[SIGNED, Type::FLOATS]),
        "not" => (Unary::Not, &[Type::BITS]),
        "rcp" => (Unary::Reciprocal, &[Type::FLOATS]),
        "sqrt" => (Unary::SquareRoot, &[Type::FLOATS]),
        "popc" => (Unary::CountOnes, &[WORDS]),
        "clz" => (Unary::LeadingZeros, &[WORDS]),
        "bfind" if m.eat("shiftamt") => (Unary::HighestBitShift, &[WORD_INTEGERS]),
        "bfind" => (Unary::HighestBit, &[WORD_INTEGERS]),
        _ => (Unary::Reverse, &[WORDS]),
    };
    if matches!(op, Unary::Reciprocal | Unary::SquareRoot) && !m.eat("rn") {
        return Err("expected `.rn`: others have no bits of their own".into());
    }
    let ty = m.ty(known)?;
    Ok(Op::Unary { op, ty, to: o.to()?, a: o.from()? })
}

const COMPARISONS: [(&str, Comparison); 18] = [
    ("eq", Comparison::Equal),
    ("ne", Comparison::NotEqual),
    ("lt", Comparison::Less),
    ("le", Comparison::LessEqual),
    ("gt", Comparison::Greater),
    ("ge", Comparison::GreaterEqual),
    ("lo", Comparison::Less),
    ("ls", Comparison::LessEqual),
    ("hi", Comparison::Greater),
    ("hs", Comparison::GreaterEqual),
    ("num", Comparison::Number),
    ("nan", Comparison::NaN),
    ("equ", Comparison::EqualOrNaN),
    ("neu", Comparison::NotEqualOrNaN),
    ("ltu", Comparison::LessOrNaN),
    ("leu", Comparison::LessEqualOrNaN),
    ("gtu", Comparison::GreaterOrNaN),
    ("geu", Comparison::GreaterEqualOrNaN),
];

pub(super) fn setp(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let comparison = m.one_of(&COMPARISONS).ok_or("expected a comparison")?;
    let known: &[&[Type]] = match comparison {
        Comparison::Equal | Comparison::NotEqual => &[ALL_BUT_PRED, Type::INTEGERS, Type::FLOATS],
        Comparison::Less
        | Comparison::LessEqual
        | Comparison::Greater
        | Comparison::GreaterEqual => &[Type::INTEGERS, Type::FLOATS],
        _ => &[Type::FLOATS],
    };
    let ty = m.ty(known)?;
    Ok(Op::Compare { comparison, ty, to: o.to()?, a: o.from()?, b: o.from()? })
}

pub(super) fn selp(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    m.ty(&[ALL_BUT_PRED, Type::INTEGERS, Type::FLOATS])?;
    Ok(Op::Select { to: o.to()?, a: o.from()?, b: o.from()?, predicate: o.from()? })
}

pub(super) fn bfi(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let ty = m.ty(&[WORDS])?;
    let (to, a, b) = (o.to()?, o.from()?, o.from()?);
    Ok(Op::InsertBits { ty, to, a, b, position: o.from()?, length: o.from()? })
}

pub(super) fn bfe(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let ty = m.ty(&[WORD_INTEGERS])?;
    Ok(Op::ExtractBits { ty, to: o.to()?, a: o.from()?, position: o.from()?, length: o.from()? })
}

pub(super) fn prmt(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    m.ty(&[&[Type::B32]])?;
    Ok(Op::Permute { to: o.to()?, a: o.from()?, b: o.from()?, selector: o.from()? })
}

const ROUNDINGS: [(&str, Rounding); 5] = [
    ("rn", Rounding::Nearest),
    ("rni", Rounding::IntegerNearest),
    ("rzi", Rounding::IntegerZero),
    ("rmi", Rounding::IntegerDown),
    ("rpi", Rounding::IntegerUp),
];

pub(super) fn cvt(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let rounding = m.one_of(&ROUNDINGS).unwrap_or(Rounding::None);
    let saturates = m.eat("sat");
    let known: &[&[Type]] = &[ANY_INTEGER, Type::FLOATS, &[Type::F16]];
    let (to, from) = (m.ty(known)?, m.ty(known)?);
    let conversion = Conversion { to, from, rounding, saturates };
    if !is_known(conversion) {
        return Err(format!("conversion {conversion:?} is not known"));
    }
    let (register, ty) = o.typed()?;
    Ok(Op::Convert { to: register, width: ty.size(), conversion, a: o.from()? })
}

/// (PTX ISA, "cvt": where a rounding must stand, and where it must not.)
fn is_known(conversion: Conversion) -> bool {
    let Conversion { to, from, rounding, saturates } = conversion;
    let is_to_integer = !matches!(rounding, Rounding::None | Rounding::Nearest);
    match (to.is_float(), from.is_float()) {
        (false, false) => rounding == Rounding::None,
        (false, true) => is_to_integer && from != Type::F16 && !saturates,
        (true, false) => rounding == Rounding::Nearest && to != Type::F16 && !saturates,
        (true, true) if to == from => {
            to != Type::F16
                && (is_to_integer && !saturates || rounding == Rounding::None && saturates)
        }
        (true, true) if to.size() > from.size() => rounding == Rounding::None && !saturates,
        // From F64 to F16 would have to round once, over two steps.
        (true, true) => {
            rounding == Rounding::Nearest && !saturates && (to, from) != (Type::F16, Type::F64)
        }
    }
}
