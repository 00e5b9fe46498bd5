//! What decides which instruction is next, and what waits for other threads.

use crate::ptx::isa::{Exchange, Op, Operand, Shuffle};
use crate::ptx::operands::{Argument, Modifiers, Operands};
use crate::ptx::types::Type;

pub(super) fn flow(
    opcode: &str,
    m: &mut Modifiers<'_>,
    o: &mut Operands<'_>,
) -> Result<Op, String> {
    match opcode {
        "bra" => {
            m.eat("uni"); // A promise that all threads go the same way; ours need none.
            let label = o.word()?;
            o.body.branch_to(label);
            Ok(Op::Branch(usize::MAX)) // Until all labels are known.
        }
        "bar" => {
            let is_first = m.eat("sync") && o.from()? == Operand::Immediate(0);
            if is_first { Ok(Op::Barrier) } else { Err("expected `bar.sync 0`".into()) }
        }
        "trap" => Ok(Op::Trap),
        _ => Ok(Op::Exit), // Kernels call nobody: `ret` and `exit` are the same.
    }
}

const SHUFFLES: [(&str, Shuffle); 4] = [
    ("up", Shuffle::Up),
    ("down", Shuffle::Down),
    ("bfly", Shuffle::Butterfly),
    ("idx", Shuffle::Index),
];

pub(super) fn shfl(m: &mut Modifiers<'_>, o: &mut Operands<'_>) -> Result<Op, String> {
    if !m.eat("sync") {
        return Err("expected `.sync`".into());
    }
    let shuffle = m.one_of(&SHUFFLES).ok_or("expected a mode")?;
    m.ty(&[&[Type::B32]])?;
    let (to, is_valid) = match o.next()? {
        Argument::One(to) => (o.body.register(&to)?.0, None),
        Argument::Pair(to, valid) => (o.body.register(&to)?.0, Some(o.body.register(&valid)?.0)),
        other => return Err(format!("expected a register, found {other:?}")),
    };
    Ok(Op::Shuffle(Box::new(Exchange {
        to,
        is_valid,
        shuffle,
        a: o.from()?,
        b: o.from()?,
        c: o.from()?,
        mask: o.from()?,
    })))
}
