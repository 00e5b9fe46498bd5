//! What moves values: between registers, and from and to memory.

use crate::ptx::isa::{Address, Atomic, Binary, Op, Operand, Space, Special};
use crate::ptx::operands::{Argument, Modifiers, Operands};
use crate::ptx::types::Type;
use crate::ptx::{LOCAL_WINDOW, SHARED_WINDOW, WINDOW_MASK};

const IN_MEMORY: &[Type] = &[
    Type::B8,
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S8,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
];

const SPACES: [(&str, Space); 5] = [
    ("param", Space::Parameter),
    ("global", Space::Global),
    ("const", Space::Constant),
    ("shared", Space::Shared),
    ("local", Space::Local),
];

const SPECIALS: [(&str, Special); 13] = [
    ("%tid.x", Special::Thread(0)),
    ("%tid.y", Special::Thread(1)),
    ("%tid.z", Special::Thread(2)),
    ("%ntid.x", Special::BlockSize(0)),
    ("%ntid.y", Special::BlockSize(1)),
    ("%ntid.z", Special::BlockSize(2)),
    ("%ctaid.x", Special::Block(0)),
    ("%ctaid.y", Special::Block(1)),
    ("%ctaid.z", Special::Block(2)),
    ("%nctaid.x", Special::GridSize(0)),
    ("%nctaid.y", Special::GridSize(1)),
    ("%nctaid.z", Special::GridSize(2)),
    ("%laneid", Special::Lane),
];

pub(super) fn mov(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let ty = m.ty(&[Type::BITS, Type::INTEGERS, Type::FLOATS])?;
    let part_bits = |count: usize| match (ty, count) {
        (Type::B32, 2) | (Type::B64, 4) => Ok(16),
        (Type::B32, 4) => Ok(8),
        (Type::B64, 2) => Ok(32),
        _ => Err(format!("{count} parts do not make a {ty:?}")),
    };
    let to = match o.next()? {
        Argument::Vector(parts) => {
            let to = parts.iter().map(|part| Ok(o.body.register(part)?.0));
            let to = to.collect::<Result<Vec<_>, String>>()?;
            return Ok(Op::Unpack { part_bits: part_bits(to.len())?, to, a: o.from()? });
        }
        Argument::One(word) => o.body.register(&word)?.0,
        other => return Err(format!("expected a register, found {other:?}")),
    };
    match o.next()? {
        Argument::Vector(parts) => {
            let parts = parts.iter().map(|part| o.body.operand(part));
            let parts = parts.collect::<Result<Vec<_>, String>>()?;
            Ok(Op::Pack { to, part_bits: part_bits(parts.len())?, parts })
        }
        Argument::One(word) => match SPECIALS.iter().find(|(name, _)| *name == word) {
            Some((_, special)) => Ok(Op::Special { to, special: *special }),
            None => Ok(Op::Move { to, a: o.body.operand(&word)? }),
        },
        other => Err(format!("expected a value, found {other:?}")),
    }
}

pub(super) fn cvta(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let is_from_generic = m.eat("to");
    let space = m.one_of(&SPACES).ok_or("expected a space")?;
    m.ty(&[&[Type::U64]])?;
    let (to, a) = (o.to()?, o.from()?);
    let window = match space {
        Space::Shared => SHARED_WINDOW,
        Space::Local => LOCAL_WINDOW,
        Space::Global | Space::Constant => return Ok(Op::Move { to, a }),
        _ => return Err("parameters have no generic address".into()),
    };
    let (op, b) = if is_from_generic {
        (Binary::And, Operand::Immediate(WINDOW_MASK))
    } else {
        (Binary::Add, Operand::Immediate(window))
    };
    Ok(Op::Binary { op, ty: Type::U64, to, a, b })
}

pub(super) fn ld(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let space = m.one_of(&SPACES).unwrap_or(Space::Generic);
    if space == Space::Global {
        m.eat("nc"); // A promise that nobody writes meanwhile; races are found anyway.
    }
    let count = vector(m);
    let ty = m.ty(&[IN_MEMORY])?;
    let words = o.words()?;
    check_count(count, words.len())?;
    let to = words.iter().map(|word| o.body.register(word).map(|(to, ty)| (to, ty.size())));
    let to = to.collect::<Result<Vec<_>, String>>()?;
    let (base, offset) = o.address()?;
    Ok(Op::Load { to, from: Address { space, base, offset }, ty })
}

pub(super) fn st(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    let space = m.one_of(&SPACES).unwrap_or(Space::Generic);
    if matches!(space, Space::Parameter | Space::Constant) {
        return Err("parameters and constants are not written".into());
    }
    let count = vector(m);
    let ty = m.ty(&[IN_MEMORY])?;
    let (base, offset) = o.address()?;
    let words = o.words()?;
    check_count(count, words.len())?;
    let values = words.iter().map(|word| o.body.operand(word));
    let values = values.collect::<Result<Vec<_>, String>>()?;
    Ok(Op::Store { to: Address { space, base, offset }, ty, values })
}

fn vector(m: &mut Modifiers<'_>) -> usize {
    m.one_of(&[("v2", 2), ("v4", 4)]).unwrap_or(1)
}

fn check_count(expected: usize, found: usize) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("expected {expected} registers, found {found}"))
    }
}

const ATOMICS: [(&str, Atomic); 8] = [
    ("add", Atomic::Add),
    ("min", Atomic::Min),
    ("max", Atomic::Max),
    ("and", Atomic::And),
    ("or", Atomic::Or),
    ("xor", Atomic::Xor),
    ("exch", Atomic::Exchange),
    ("cas", Atomic::CompareAndSwap),
];

pub(super) fn atomic(
    opcode: &str,
    m: &mut Modifiers<'_>,
    o: &mut Operands<'_>,
) -> Result<Op, String> {
    // Without a word it is relaxed, too, and threads of the whole device see it. A narrower scope says
    // that others do not touch it, which the search for races finds out.
    if m.eat("relaxed") {
        m.one_of(&[("cta", ()), ("gpu", ()), ("sys", ())]).ok_or("expected a scope")?;
    }
    let space = m.one_of(&[("global", Space::Global), ("shared", Space::Shared)]);
    let op = m.one_of(&ATOMICS).ok_or("expected an operation")?;
    let ty = m.ty(&[match op {
        Atomic::Add => &[Type::U32, Type::S32, Type::U64],
        Atomic::Min | Atomic::Max => &[Type::U32, Type::S32, Type::U64, Type::S64],
        _ => &[Type::B32, Type::B64],
    }])?;
    let to = if opcode == "atom" { Some(o.to()?) } else { None };
    let (base, offset) = o.address()?;
    let at = Address { space: space.unwrap_or(Space::Generic), base, offset };
    let a = o.from()?;
    let b = if op == Atomic::CompareAndSwap { o.from()? } else { Operand::Immediate(0) };
    Ok(Op::Atomic { to, at, op, ty, a, b })
}
