//! From a mnemonic and its operands to what is run. The list of what is known is in the three files
//! below; nothing is passed over.

mod arithmetic;
mod flow;
mod movement;

use super::isa::Op;
use super::operands::{Modifiers, Operands};

/// # Errors
/// An opcode, modifier, type or operand that is not in the list.
pub(super) fn read(mnemonic: &str, mut operands: Operands<'_>) -> Result<Op, String> {
    let mut parts = mnemonic.split('.');
    let opcode = parts.next().unwrap_or_default();
    let mut modifiers = Modifiers::new(parts);
    let (m, o) = (&mut modifiers, &mut operands);
    let op = match opcode {
        "add" | "sub" | "mul" | "div" | "rem" | "min" | "max" => arithmetic::binary(opcode, m, o),
        "and" | "or" | "xor" | "shl" | "shr" => arithmetic::bits(opcode, m, o),
        "mad" => arithmetic::mad(m, o),
        "fma" => arithmetic::fma(m, o),
        "neg" | "abs" | "not" | "rcp" | "sqrt" | "popc" | "clz" | "brev" | "bfind" => {
            arithmetic::unary(opcode, m, o)
        }
        "setp" => arithmetic::setp(m, o),
        "selp" => arithmetic::selp(m, o),
        "bfi" => arithmetic::bfi(m, o),
        "bfe" => arithmetic::bfe(m, o),
        "prmt" => arithmetic::prmt(m, o),
        "cvt" => arithmetic::cvt(m, o),
        "mov" => movement::mov(m, o),
        "cvta" => movement::cvta(m, o),
        "ld" => movement::ld(m, o),
        "st" => movement::st(m, o),
        "atom" | "red" => movement::atomic(opcode, m, o),
        "bra" | "bar" | "ret" | "exit" | "trap" => flow::flow(opcode, m, o),
        "shfl" => flow::shfl(m, o),
        _ => return Err(format!("opcode `{opcode}` is not known")),
    }?;
    modifiers.finish()?;
    operands.finish()?;
    Ok(op)
}
