//! The bits of each form. Expected ones are worked out by the PTX ISA's text, or by the CPU where both
//! follow IEEE 754.

mod forms;
mod refused;
mod threads;

use super::{Fault, Kind, Launch, Memory, Trouble, Who, launch};
use crate::ptx;

/// Memory from address 0 on, all of it written.
struct Flat(Vec<u8>);

impl Flat {
    fn at(&mut self, address: u64, size: usize) -> Result<&mut [u8], Trouble> {
        let start = usize::try_from(address).unwrap();
        self.0.get_mut(start..start + size).ok_or_else(|| Kind::OutOfBounds.with("flat"))
    }
}

impl Memory for Flat {
    fn load(&mut self, _who: Who, address: u64, size: usize) -> Result<u64, Trouble> {
        Ok(self
            .at(address, size)?
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn store(&mut self, _who: Who, address: u64, size: usize, value: u64) -> Result<(), Trouble> {
        self.at(address, size)?.copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(())
    }

    fn atomic(
        &mut self,
        who: Who,
        address: u64,
        size: usize,
        change: &dyn Fn(u64) -> u64,
    ) -> Result<u64, Trouble> {
        let old = self.load(who, address, size)?;
        self.store(who, address, size, change(old))?;
        Ok(old)
    }
}

/// A kernel `k(a, b, c)` of this code. `%h`, `%w` and `%d` are registers of 16, 32 and 64 bits; 1 to 3
/// hold the arguments, and what is left in 0, or in `%p0`, goes to memory at 0.
fn kernel(code: &str) -> String {
    format!(
        ".version 8.0\n.target sm_75\n.address_size 64\n\
         .visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c)\n{{\n\
         .reg .pred %p<4>; .reg .b16 %h<9>; .reg .b32 %w<9>; .reg .b64 %d<9>;\n\
         .shared .align 8 .b8 shared[64]; .local .align 16 .b8 stack[32];\n\
         ld.param.u64 %d1, [a]; ld.param.u64 %d2, [b]; ld.param.u64 %d3, [c];\n\
         cvt.u32.u64 %w1, %d1; cvt.u32.u64 %w2, %d2; cvt.u32.u64 %w3, %d3;\n\
         cvt.u16.u64 %h1, %d1; cvt.u16.u64 %h2, %d2; cvt.u16.u64 %h3, %d3;\n\
         {code}\n\
         cvt.u64.u32 %d8, %w0; or.b64 %d0, %d0, %d8; cvt.u64.u16 %d8, %h0; or.b64 %d0, %d0, %d8;\n\
         selp.b64 %d8, 1, 0, %p0; or.b64 %d0, %d0, %d8; mov.u64 %d8, 0; st.global.u64 [%d8], %d0;\n\
         ret;\n}}\n"
    )
}

fn run(
    source: &str,
    block: [u32; 3],
    arguments: [u64; 3],
    memory: &mut Flat,
) -> Result<u64, Fault> {
    let module = ptx::parse(source, &mut |_| Ok(0)).unwrap();
    let function = module.functions.values().next().unwrap();
    let parameters: Vec<u8> = arguments.iter().flat_map(|it| it.to_le_bytes()).collect();
    let work = Launch {
        function,
        grid: [1; 3],
        block,
        dynamic_bytes: 0,
        parameters: &parameters,
        are_races_checked: true,
    };
    launch(&work, memory)
}

/// One thread with these arguments leaves this.
fn check(code: &str, arguments: [u64; 3], expected: u64) {
    let mut memory = Flat((0..64).collect());
    run(&kernel(code), [1; 3], arguments, &mut memory).unwrap();
    let found = memory.load(Who::first(false), 0, 8).unwrap();
    assert_eq!(found, expected, "{code} of {arguments:x?}: {found:#x}, expected {expected:#x}");
}
