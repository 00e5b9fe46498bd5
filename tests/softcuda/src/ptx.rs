//! Kernels as text (PTX ISA 8.0) to what `exec` runs. Strict: an opcode, modifier or type that is not
//! in the list refuses the module, since a kernel that is read almost right gives wrong bits in
//! silence. Not in the list on purpose is what has no bits of its own: `.approx`, `.ftz`, and sums of
//! floats whose order is open (`atom.add.f32`).

mod body;
mod declaration;
mod instruction;
mod isa;
mod module;
mod operands;
mod token;
mod types;

pub(crate) use isa::{
    Address, Atomic, Binary, Comparison, Conversion, Exchange, Instruction, Op, Operand, Register,
    Rounding, Shuffle, Space, Special, Unary,
};
pub(crate) use module::{Function, Variable, parse};
pub(crate) use types::Type;

/// Where the windows of shared and local memory lie among the addresses of `ld` without a space.
pub(crate) const SHARED_WINDOW: u64 = 0x00f0_0000_0000_0000;
pub(crate) const LOCAL_WINDOW: u64 = 0x00f1_0000_0000_0000;
/// The bits of an address within a window.
pub(crate) const WINDOW_MASK: u64 = 0x0000_ffff_ffff_ffff;
