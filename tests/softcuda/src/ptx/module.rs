//! A module: its variables and its kernels.

use std::collections::HashMap;
use std::sync::Arc;

use super::body::{Body, Symbol};
use super::declaration::Declaration;
use super::isa::Instruction;
use super::token::Tokens;

/// What a module holds.
#[derive(Default, Debug)]
pub(crate) struct Module {
    pub(crate) functions: HashMap<String, Arc<Function>>,
}

/// A variable of a module, to be placed in the device's memory.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A kernel.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_bytes: usize,
    pub(crate) registers: usize,
    pub(crate) code: Vec<Instruction>,
    /// Bytes of shared memory; what the launch adds begins behind.
    pub(crate) shared_bytes: usize,
    /// Of each thread.
    pub(crate) local_bytes: usize,
    /// Of a block, if the kernel limits them (`.maxntid`, `.reqntid`).
    pub(crate) threads_max: Option<u32>,
}

/// Where a parameter lies among a kernel's, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parameter {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

/// Reads a module. `place` gives each variable an address.
///
/// # Errors
/// What is not understood, with its line.
pub(crate) fn parse(
    source: &str,
    place: &mut dyn FnMut(Variable) -> Result<u64, String>,
) -> Result<Module, String> {
    let mut tokens = Tokens::read(source)?;
    let mut reader = Reader { symbols: HashMap::new(), module: Module::default() };
    while tokens.peek().is_some() {
        let read = reader.item(&mut tokens, place);
        read.map_err(|text| format!("PTX line {}: {text}", tokens.line()))?;
    }
    Ok(reader.module)
}

struct Reader {
    symbols: HashMap<String, Symbol>,
    module: Module,
}

impl Reader {
    fn item(
        &mut self,
        tokens: &mut Tokens,
        place: &mut dyn FnMut(Variable) -> Result<u64, String>,
    ) -> Result<(), String> {
        let word = tokens.next()?;
        match word.as_str() {
            ".version" => tokens.next().map(|_| ()),
            ".target" => {
                tokens.next()?;
                while tokens.eat(",") {
                    tokens.next()?;
                }
                Ok(())
            }
            ".address_size" => tokens.expect("64"),
            ".visible" | ".weak" | ".extern" => Ok(()),
            ".global" | ".const" => {
                let declaration = Declaration::read(tokens)?;
                let bytes = declaration.values(tokens)?;
                let address = place(Variable { name: declaration.name.clone(), bytes })?;
                self.symbols.insert(declaration.name, Symbol::Address(address));
                tokens.expect(";")
            }
            ".shared" => {
                let declaration = Declaration::read(tokens)?;
                if declaration.size.is_some() {
                    return Err("expected shared memory of a module to have no size".into());
                }
                self.symbols.insert(declaration.name, Symbol::DynamicShared);
                tokens.expect(";")
            }
            ".entry" => self.entry(tokens),
            _ => Err(format!("`{word}` is not known in a module")),
        }
    }

    fn entry(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let name = tokens.next()?;
        let mut body = Body::new(self.symbols.clone());
        if tokens.eat("(") {
            while !tokens.eat(")") {
                tokens.expect(".param")?;
                body.add_parameter(&Declaration::read(tokens)?)?;
                tokens.eat(",");
            }
        }
        let threads_max = limits(tokens)?;
        body.read(tokens)?;
        let function = body.finish(name.clone(), threads_max)?;
        self.module.functions.insert(name, Arc::new(function));
        Ok(())
    }
}

/// The limits between a kernel's parameters and its body: how many threads a block may have.
fn limits(tokens: &mut Tokens) -> Result<Option<u32>, String> {
    let mut threads_max = None;
    while !tokens.eat("{") {
        let word = tokens.next()?;
        match word.as_str() {
            ".maxntid" | ".reqntid" => {
                let mut threads: u32 = tokens.number()?;
                while tokens.eat(",") {
                    threads = threads.saturating_mul(tokens.number()?);
                }
                threads_max = Some(threads);
            }
            ".minnctapersm" => tokens.number::<u32>().map(|_| ())?,
            _ => return Err(format!("`{word}` is not known before a body")),
        }
    }
    Ok(threads_max)
}
