//! Instructions as they are run.

use super::types::Type;

/// The place of a register in a thread's.
pub(crate) type Register = usize;

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    Register(Register),
    Immediate(u64),
}

/// An instruction, and when it is run.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    pub(crate) guard: Option<Guard>,
    /// In the text, from 1.
    pub(crate) line: u32,
    pub(crate) op: Op,
}

/// `@%p` or `@!%p`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Guard {
    pub(crate) predicate: Register,
    pub(crate) expected: bool,
}

/// What an instruction does. `to` is written, `a`, `b` and `c` are read.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Move {
        to: Register,
        a: Operand,
    },
    Special {
        to: Register,
        special: Special,
    },
    /// Joins parts of so many bits each, the first one lowest.
    Pack {
        to: Register,
        part_bits: usize,
        parts: Vec<Operand>,
    },
    Unpack {
        to: Vec<Register>,
        part_bits: usize,
        a: Operand,
    },
    Binary {
        op: Binary,
        ty: Type,
        to: Register,
        a: Operand,
        b: Operand,
    },
    /// A product (`Mul`, `MulHigh`, `MulWide`) and a sum.
    MulAdd {
        op: Binary,
        ty: Type,
        to: Register,
        a: Operand,
        b: Operand,
        c: Operand,
    },
    Fma {
        ty: Type,
        to: Register,
        a: Operand,
        b: Operand,
        c: Operand,
    },
    Unary {
        op: Unary,
        ty: Type,
        to: Register,
        a: Operand,
    },
    Compare {
        comparison: Comparison,
        ty: Type,
        to: Register,
        a: Operand,
        b: Operand,
    },
    Select {
        to: Register,
        a: Operand,
        b: Operand,
        predicate: Operand,
    },
    /// The low bits of `a` into `b`.
    InsertBits {
        ty: Type,
        to: Register,
        a: Operand,
        b: Operand,
        position: Operand,
        length: Operand,
    },
    ExtractBits {
        ty: Type,
        to: Register,
        a: Operand,
        position: Operand,
        length: Operand,
    },
    Permute {
        to: Register,
        a: Operand,
        b: Operand,
        selector: Operand,
    },
    /// `width` is the destination's, in bytes: what is narrower is extended by its sign.
    Convert {
        to: Register,
        width: usize,
        conversion: Conversion,
        a: Operand,
    },
    Load {
        to: Vec<(Register, usize)>,
        from: Address,
        ty: Type,
    },
    Store {
        to: Address,
        ty: Type,
        values: Vec<Operand>,
    },
    Atomic {
        to: Option<Register>,
        at: Address,
        op: Atomic,
        ty: Type,
        a: Operand,
        b: Operand,
    },
    /// To the instruction of that place.
    Branch(usize),
    Barrier,
    Exit,
    Trap,
    Shuffle(Box<Exchange>),
}

/// `shfl.sync`: a lane of a warp reads another's `a`, which one is told by `b` and `c`. The lanes of
/// `mask` take part.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) to: Register,
    pub(crate) is_valid: Option<Register>,
    pub(crate) shuffle: Shuffle,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    pub(crate) c: Operand,
    pub(crate) mask: Operand,
}

/// A place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    pub(crate) space: Space,
    pub(crate) base: Operand,
    pub(crate) offset: u64,
}

/// `Generic` is any of global, shared and local, by the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Space {
    Parameter,
    Global,
    Constant,
    Shared,
    Local,
    Generic,
}

/// `MulHigh` and `MulWide` of integers alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    MulHigh,
    MulWide,
    Div,
    Rem,
    Min,
    Max,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Not,
    Reciprocal,
    SquareRoot,
    CountOnes,
    LeadingZeros,
    Reverse,
    /// Place of the highest bit that is not the sign, all ones if there is none.
    HighestBit,
    /// By how much that bit is shifted to be the type's highest.
    HighestBitShift,
}

/// The second half is also true of what cannot be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Number,
    NaN,
    EqualOrNaN,
    NotEqualOrNaN,
    LessOrNaN,
    LessEqualOrNaN,
    GreaterOrNaN,
    GreaterEqualOrNaN,
}

/// `cvt`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conversion {
    pub(crate) to: Type,
    pub(crate) from: Type,
    pub(crate) rounding: Rounding,
    pub(crate) saturates: bool,
}

/// `None` where nothing is to be rounded; `Nearest` to the nearest float, the others to integers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    None,
    Nearest,
    IntegerNearest,
    IntegerZero,
    IntegerDown,
    IntegerUp,
}

/// A special register; its axis is 0 to 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Special {
    Thread(usize),
    BlockSize(usize),
    Block(usize),
    GridSize(usize),
    Lane,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Atomic {
    Add,
    Min,
    Max,
    And,
    Or,
    Xor,
    Exchange,
    CompareAndSwap,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}
