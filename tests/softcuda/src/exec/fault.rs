//! How a kernel errs.

use crate::code::Code;

/// What is wrong, before it is known where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
}

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) trouble: Trouble,
    /// In the PTX; 0 where no single one is meant.
    pub(crate) line: u32,
    pub(crate) block: [u32; 3],
    pub(crate) thread: [u32; 3],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    OutOfBounds,
    UseAfterFree,
    Poisoned,
    UninitialisedRead,
    OtherDevice,
    Misaligned,
    DivisionByZero,
    Trap,
    Endless,
    Deadlock,
    InactiveLane,
    Race,
}

impl Kind {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OutOfBounds => "out of bounds",
            Self::UseAfterFree => "use after free",
            Self::Poisoned => "use of what its pool took back",
            Self::UninitialisedRead => "uninitialised read",
            Self::OtherDevice => "memory of another device",
            Self::Misaligned => "misaligned address",
            Self::DivisionByZero => "division by zero",
            Self::Trap => "trap",
            Self::Endless => "a thread without end",
            Self::Deadlock => "threads that wait for each other",
            Self::InactiveLane => "shfl and a lane that takes no part",
            Self::Race => "race inside of the kernel",
        }
    }

    /// What a GPU's driver says of it, where a GPU would notice.
    pub(crate) fn code(self) -> Code {
        match self {
            Self::OutOfBounds
            | Self::UseAfterFree
            | Self::Poisoned
            | Self::UninitialisedRead
            | Self::OtherDevice => Code::ILLEGAL_ADDRESS,
            Self::Misaligned => Code::MISALIGNED_ADDRESS,
            Self::Trap => Code::ILLEGAL_INSTRUCTION,
            Self::Endless | Self::Deadlock => Code::LAUNCH_TIMEOUT,
            Self::DivisionByZero | Self::InactiveLane | Self::Race => Code::LAUNCH_FAILED,
        }
    }

    pub(crate) fn with(self, detail: impl Into<String>) -> Trouble {
        Trouble { kind: self, detail: detail.into() }
    }
}
