//! One thread: its registers, and the instruction that it is at.

use super::arithmetic::{atomic, binary, compare, fma, mul_add, permute, unary};
use super::bits::{extract, insert};
use super::block::Block;
use super::cells::Cells;
use super::conversion::{convert, extend};
use super::fault::{Fault, Kind, Trouble};
use crate::ptx::{Address, Function, Instruction, Op, Operand, Register, Special};

/// A thread that runs longer will not end.
const STEPS_MAX: u64 = 50_000_000;

/// One thread of a block.
pub(super) struct Thread {
    pub(super) registers: Vec<u64>,
    pub(super) at: usize,
    pub(super) id: [u32; 3],
    /// Its place in the block.
    pub(super) number: usize,
    pub(super) local: Cells,
    pub(super) state: State,
    pub(super) steps: u64,
}

/// Where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Running,
    AtBarrier,
    AtShuffle,
    Exited,
}

enum Next {
    Following,
    At(usize),
    Waits(State),
}

impl Thread {
    pub(super) fn new(function: &Function, number: usize, block: [u32; 3]) -> Self {
        let place = number as u32;
        let id = [place % block[0], place / block[0] % block[1], place / block[0] / block[1]];
        Self {
            registers: vec![0; function.registers],
            at: 0,
            id,
            number,
            local: Cells::new(function.local_bytes, "local"),
            state: State::Running,
            steps: 0,
        }
    }

    /// Begins again, as a thread of another block.
    pub(super) fn restart(&mut self) {
        self.registers.fill(0);
        self.local.clear();
        (self.at, self.state, self.steps) = (0, State::Running, 0);
    }

    pub(super) fn value(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Register(register) => self.registers[register],
            Operand::Immediate(value) => value,
        }
    }

    /// Goes on until it waits or exits.
    pub(super) fn run(&mut self, block: &mut Block<'_>) -> Result<(), Fault> {
        let function = block.function;
        block.who.thread = self.number as u32;
        while self.state == State::Running {
            let instruction = &function.code[self.at];
            self.steps += 1;
            let next = if self.steps > STEPS_MAX {
                Err(Kind::Endless.with(format!("it ran {STEPS_MAX} instructions")))
            } else {
                self.step(instruction, block)
            };
            match next {
                Ok(Next::Following) => self.at += 1,
                Ok(Next::At(place)) => self.at = place,
                Ok(Next::Waits(state)) => self.state = state,
                Err(trouble) => {
                    return Err(Fault {
                        trouble,
                        line: instruction.line,
                        block: block.id,
                        thread: self.id,
                    });
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, instruction: &Instruction, block: &mut Block<'_>) -> Result<Next, Trouble> {
        if let Some(guard) = instruction.guard
            && (self.registers[guard.predicate] != 0) != guard.expected
        {
            return Ok(Next::Following);
        }
        match &instruction.op {
            Op::Branch(place) => return Ok(Next::At(*place)),
            Op::Barrier => return Ok(Next::Waits(State::AtBarrier)),
            Op::Shuffle(_) => return Ok(Next::Waits(State::AtShuffle)),
            Op::Exit => return Ok(Next::Waits(State::Exited)),
            Op::Trap => return Err(Kind::Trap.with("")),
            Op::Load { to, from, ty } => {
                let (start, size) = (self.address(*from), ty.size());
                check_aligned(start, size * to.len())?;
                for (place, (register, width)) in to.iter().enumerate() {
                    let address = start.wrapping_add((place * size) as u64);
                    let value = block.load(&self.local, from.space, address, size)?;
                    self.registers[*register] = extend(value, *ty, *width);
                }
            }
            Op::Store { to, ty, values } => {
                let (start, size) = (self.address(*to), ty.size());
                check_aligned(start, size * values.len())?;
                for (place, value) in values.iter().enumerate() {
                    let address = start.wrapping_add((place * size) as u64);
                    let value = self.value(*value);
                    block.store(&mut self.local, to.space, (address, size), value)?;
                }
            }
            Op::Atomic { to, at, op, ty, a, b } => {
                let (address, inputs) = (self.address(*at), [self.value(*a), self.value(*b)]);
                check_aligned(address, ty.size())?;
                let change = |old| atomic(*op, *ty, old, inputs);
                let old = block.atomic(at.space, address, ty.size(), &change)?;
                if let Some(register) = to {
                    self.registers[*register] = old;
                }
            }
            Op::Special { to, special } => {
                self.registers[*to] = self.special(*special, block).into();
            }
            Op::Unpack { to, part_bits, a } => self.unpack(to, *part_bits, *a),
            op => {
                let (to, value) = self.compute(op)?;
                self.registers[to] = value;
            }
        }
        Ok(Next::Following)
    }

    /// What an instruction makes of registers alone: the register to write, and its value.
    fn compute(&self, op: &Op) -> Result<(Register, u64), Trouble> {
        let of = |operand: &Operand| self.value(*operand);
        Ok(match op {
            Op::Move { to, a } => (*to, of(a)),
            Op::Pack { to, part_bits, parts } => (*to, self.pack(*part_bits, parts)),
            Op::Binary { op, ty, to, a, b } => (*to, binary(*op, *ty, of(a), of(b))?),
            Op::MulAdd { op, ty, to, a, b, c } => (*to, mul_add(*op, *ty, [of(a), of(b), of(c)])?),
            Op::Fma { ty, to, a, b, c } => (*to, fma(*ty, [of(a), of(b), of(c)])),
            Op::Unary { op, ty, to, a } => (*to, unary(*op, *ty, of(a))),
            Op::Compare { comparison, ty, to, a, b } => {
                (*to, compare(*comparison, *ty, of(a), of(b)).into())
            }
            Op::Select { to, a, b, predicate } => {
                (*to, if of(predicate) == 0 { of(b) } else { of(a) })
            }
            Op::InsertBits { ty, to, a, b, position, length } => {
                (*to, insert(*ty, [of(a), of(b), of(position), of(length)]))
            }
            Op::ExtractBits { ty, to, a, position, length } => {
                (*to, extract(*ty, [of(a), of(position), of(length)]))
            }
            Op::Permute { to, a, b, selector } => (*to, permute(of(a), of(b), of(selector))),
            Op::Convert { to, width, conversion, a } => (*to, convert(*conversion, *width, of(a))),
            other => return Err(Kind::Trap.with(format!("{other:?} computes nothing"))),
        })
    }

    fn address(&self, address: Address) -> u64 {
        self.value(address.base).wrapping_add(address.offset)
    }

    fn special(&self, special: Special, block: &Block<'_>) -> u32 {
        match special {
            Special::Thread(axis) => self.id[axis],
            Special::BlockSize(axis) => block.size[axis],
            Special::Block(axis) => block.id[axis],
            Special::GridSize(axis) => block.grid[axis],
            Special::Lane => (self.number % super::warp::LANES) as u32,
        }
    }

    fn pack(&self, part_bits: usize, parts: &[Operand]) -> u64 {
        let mask = u64::MAX >> (64 - part_bits);
        let parts = parts.iter().enumerate();
        parts.fold(0, |value, (place, part)| {
            value | (self.value(*part) & mask) << (place * part_bits)
        })
    }

    fn unpack(&mut self, to: &[Register], part_bits: usize, a: Operand) {
        let (value, mask) = (self.value(a), u64::MAX >> (64 - part_bits));
        for (place, register) in to.iter().enumerate() {
            self.registers[*register] = value >> (place * part_bits) & mask;
        }
    }
}

/// A vector is aligned as a whole.
fn check_aligned(address: u64, size: usize) -> Result<(), Trouble> {
    if address.is_multiple_of(size as u64) {
        return Ok(());
    }
    Err(Kind::Misaligned.with(format!("{address:#x} for {size} bytes")))
}
