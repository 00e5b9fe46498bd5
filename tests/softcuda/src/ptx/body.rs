//! The body of a kernel: its registers, variables, labels and instructions.

use std::collections::HashMap;

use super::declaration::Declaration;
use super::instruction;
use super::isa::{Guard, Instruction, Op, Operand, Register};
use super::module::{Function, Parameter};
use super::operands::{Operands, read_arguments};
use super::token::{Tokens, immediate};
use super::types::Type;

/// What a name stands for that is no register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Symbol {
    /// An address, or an offset in the space that an instruction names.
    Address(u64),
    /// Shared memory behind all that the kernel declares.
    DynamicShared,
}

/// As much shared memory as a block has, and as much local memory as is sensible.
const VARIABLES_BYTES_MAX: usize = 48 << 10;
/// As aligned as any type, and vectors of 4.
const DYNAMIC_ALIGN: usize = 16;
/// More are no kernel's.
const REGISTERS_MAX: usize = 1 << 16;

/// A body that is being read.
pub(super) struct Body {
    registers: HashMap<String, (Register, Type)>,
    /// `%r<9>`, by what stands before the number: the first one, how many, and their type.
    families: HashMap<String, (Register, usize, Type)>,
    registers_count: usize,
    symbols: HashMap<String, Symbol>,
    parameters: Vec<Parameter>,
    parameter_bytes: usize,
    shared_bytes: usize,
    local_bytes: usize,
    uses_dynamic: bool,
    labels: HashMap<String, usize>,
    /// Branches whose label may come later: place in the code, and label.
    branches: Vec<(usize, String)>,
    code: Vec<Instruction>,
}

impl Body {
    pub(super) fn new(symbols: HashMap<String, Symbol>) -> Self {
        Self {
            registers: HashMap::new(),
            families: HashMap::new(),
            registers_count: 0,
            symbols,
            parameters: Vec::new(),
            parameter_bytes: 0,
            shared_bytes: 0,
            local_bytes: 0,
            uses_dynamic: false,
            labels: HashMap::new(),
            branches: Vec::new(),
            code: Vec::new(),
        }
    }

    pub(super) fn add_parameter(&mut self, declaration: &Declaration) -> Result<(), String> {
        let (offset, size) = reserve(&mut self.parameter_bytes, declaration)?;
        self.parameters.push(Parameter { offset, size });
        self.symbols.insert(declaration.name.clone(), Symbol::Address(offset as u64));
        Ok(())
    }

    /// Up to the brace that closes it; the one that opens it was read.
    pub(super) fn read(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let mut depth = 1;
        while depth > 0 {
            match tokens.next()?.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                ";" => {}
                word => self.statement(tokens, word)?,
            }
        }
        Ok(())
    }

    pub(super) fn finish(
        mut self,
        name: String,
        threads_max: Option<u32>,
    ) -> Result<Function, String> {
        for (place, label) in &self.branches {
            let target = self.labels.get(label);
            let target = target.ok_or_else(|| format!("no label `{label}` in `{name}`"))?;
            self.code[*place].op = Op::Branch(*target);
        }
        // A body may end without `ret`.
        self.code.push(Instruction { guard: None, line: 0, op: Op::Exit });
        Ok(Function {
            name,
            parameters: self.parameters,
            parameter_bytes: self.parameter_bytes,
            registers: self.registers_count,
            code: self.code,
            shared_bytes: self.shared_bytes.next_multiple_of(DYNAMIC_ALIGN),
            local_bytes: self.local_bytes,
            threads_max,
        })
    }

    fn statement(&mut self, tokens: &mut Tokens, word: &str) -> Result<(), String> {
        match word {
            ".reg" => self.declare_registers(tokens),
            ".shared" | ".local" => self.declare_variable(tokens, word),
            ".pragma" => {
                tokens.next()?;
                tokens.expect(";")
            }
            _ if word.starts_with('.') => Err(format!("`{word}` is not known in a body")),
            _ if tokens.eat(":") => {
                self.labels.insert(word.to_owned(), self.code.len());
                Ok(())
            }
            _ => self.instruction(tokens, word),
        }
    }

    fn declare_registers(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let word = tokens.next()?;
        let ty = word.strip_prefix('.').and_then(Type::parse);
        let ty = ty.ok_or_else(|| format!("`{word}` is no type of registers"))?;
        loop {
            let name = tokens.next()?;
            if tokens.eat("<") {
                let count: usize = tokens.number()?;
                tokens.expect(">")?;
                let first = self.take_registers(count)?;
                self.families.insert(name, (first, count, ty));
            } else {
                let register = self.take_registers(1)?;
                self.registers.insert(name, (register, ty));
            }
            if !tokens.eat(",") {
                return tokens.expect(";");
            }
        }
    }

    /// Places for so many; the first one.
    fn take_registers(&mut self, count: usize) -> Result<Register, String> {
        let first = self.registers_count;
        if count > REGISTERS_MAX - first {
            return Err(format!("expected at most {REGISTERS_MAX} registers"));
        }
        self.registers_count += count;
        Ok(first)
    }

    fn declared(&self, name: &str) -> Option<(Register, Type)> {
        if let Some(register) = self.registers.get(name) {
            return Some(*register);
        }
        let prefix = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = name.get(prefix.len()..)?;
        let number: usize = digits.parse().ok()?;
        let is_canonical = digits == "0" || !digits.starts_with('0');
        let (first, count, ty) = *self.families.get(prefix)?;
        (is_canonical && number < count).then_some((first + number, ty))
    }

    fn declare_variable(&mut self, tokens: &mut Tokens, space: &str) -> Result<(), String> {
        let declaration = Declaration::read(tokens)?;
        if self.uses_dynamic && space == ".shared" {
            return Err("expected shared memory to be declared before the launch's is used".into());
        }
        let bytes = if space == ".shared" { &mut self.shared_bytes } else { &mut self.local_bytes };
        let (offset, _) = reserve(bytes, &declaration)?;
        self.symbols.insert(declaration.name, Symbol::Address(offset as u64));
        tokens.expect(";")
    }

    fn instruction(&mut self, tokens: &mut Tokens, first: &str) -> Result<(), String> {
        let (mut mnemonic, mut guard, line) = (first.to_owned(), None, tokens.line());
        if first == "@" {
            let expected = !tokens.eat("!");
            let (predicate, _) = self.register(&tokens.next()?)?;
            guard = Some(Guard { predicate, expected });
            mnemonic = tokens.next()?;
        }
        let arguments = read_arguments(tokens)?;
        let op = instruction::read(&mnemonic, Operands::new(self, arguments))
            .map_err(|text| format!("`{mnemonic}`: {text}"))?;
        self.code.push(Instruction { guard, line, op });
        Ok(())
    }

    /// The place and type of a register; `_` is one that nobody reads.
    pub(super) fn register(&mut self, name: &str) -> Result<(Register, Type), String> {
        if name == "_" {
            return Ok((self.take_registers(1)?, Type::B64));
        }
        self.declared(name).ok_or_else(|| format!("`{name}` is no register"))
    }

    pub(super) fn operand(&mut self, word: &str) -> Result<Operand, String> {
        if let Some((register, _)) = self.declared(word) {
            return Ok(Operand::Register(register));
        }
        let value = match self.symbols.get(word) {
            Some(Symbol::Address(address)) => Some(*address),
            Some(Symbol::DynamicShared) => {
                self.uses_dynamic = true;
                Some(self.shared_bytes.next_multiple_of(DYNAMIC_ALIGN) as u64)
            }
            None => immediate(word),
        };
        value.map(Operand::Immediate).ok_or_else(|| format!("`{word}` is not known"))
    }

    /// The instruction that is read next goes there.
    pub(super) fn branch_to(&mut self, label: String) {
        self.branches.push((self.code.len(), label));
    }
}

/// Offset and size of what is declared behind `bytes`.
fn reserve(bytes: &mut usize, declaration: &Declaration) -> Result<(usize, usize), String> {
    let offset = bytes.next_multiple_of(declaration.align);
    let size = declaration.size.ok_or("expected a size")?;
    *bytes = offset + size;
    if *bytes > VARIABLES_BYTES_MAX {
        return Err(format!("expected at most {VARIABLES_BYTES_MAX} bytes of variables"));
    }
    Ok((offset, size))
}
