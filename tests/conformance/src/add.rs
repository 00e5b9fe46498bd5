//! A kernel that is easy to tell right from wrong.

use std::ffi::c_void;

use crate::Driver;

/// `add(from, to, n, k)`: each of `n` threads adds `k` to a word. `stuck()` has no end.
pub const ADD_PTX: &str = ".version 8.0
.target sm_75
.address_size 64
.const .align 4 .b8 bias[4] = {1, 0, 0, 0};
.visible .entry add(
    .param .u64 from, .param .u64 to, .param .u32 n, .param .u32 k
)
{
    .reg .pred %p<2>; .reg .b32 %r<9>; .reg .b64 %d<9>;
    ld.param.u64 %d1, [from];
    ld.param.u64 %d2, [to];
    ld.param.u32 %r1, [n];
    ld.param.u32 %r2, [k];
    mov.u32 %r3, %ctaid.x;
    mov.u32 %r4, %ntid.x;
    mov.u32 %r5, %tid.x;
    mad.lo.s32 %r6, %r3, %r4, %r5;
    setp.ge.u32 %p1, %r6, %r1;
    @%p1 bra DONE;
    mul.wide.u32 %d3, %r6, 4;
    add.s64 %d1, %d1, %d3;
    add.s64 %d2, %d2, %d3;
    ld.global.u32 %r7, [%d1];
    ld.const.u32 %r8, [bias];
    add.s32 %r7, %r7, %r2;
    add.s32 %r7, %r7, %r8;
    st.global.u32 [%d2], %r7;
DONE:
    ret;
}
.visible .entry stuck() { L: bra L; }
.visible .entry small() .maxntid 64, 1, 1 { ret; }
";

/// The module of [`ADD_PTX`], until it is dropped.
#[derive(Debug)]
pub struct Add {
    driver: Driver,
    /// The module.
    pub module: usize,
    function: usize,
}

impl Add {
    /// Loads it for the current context.
    pub fn load(driver: &Driver) -> Self {
        let module = driver.module(ADD_PTX);
        Self { driver: *driver, module, function: driver.function(module, "add") }
    }

    /// What the launch of `add` says, by 2 blocks of 8 threads: each adds 10, and the module's
    /// constant of 1, to one of `count` words.
    pub fn launch(&self, from: u64, to: u64, count: u32, stream: usize) -> i32 {
        let mut k = 10_u32;
        let arguments: [*const c_void; 4] = [
            (&raw const from).cast(),
            (&raw const to).cast(),
            (&raw const count).cast(),
            (&raw const k).cast(),
        ];
        let result = self.driver.launch(self.function, ([2, 1, 1], [8, 1, 1]), stream, &arguments);
        k = 99; // The arguments were taken.
        std::hint::black_box(k);
        result
    }

    /// A kernel of the module.
    pub fn named(&self, name: &str) -> usize {
        self.driver.function(self.module, name)
    }
}

impl Drop for Add {
    fn drop(&mut self) {
        let _of_a_context_that_may_be_lost = self.driver.cuModuleUnload(self.module);
    }
}

/// Words as a device's memory has them.
pub fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
