//! Threads of one kernel that meet in the same bytes: with a barrier or an atomic operation, and
//! without.

use std::ffi::{CString, c_void};
use std::time::Instant;

use crate::device::Device;

/// `k(to)`: `%d1` is `to`, `%r1` the thread, `%r2` the block, `%d2` the thread's word in shared memory,
/// `%d3` that of the thread opposite, and `%d4` the thread's word of `to`.
fn kernel(code: &str) -> CString {
    CString::new(format!(
        ".version 8.0\n.target sm_75\n.address_size 64\n\
         .visible .entry k(.param .u64 to)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %d<9>;\n\
         .shared .align 8 .b8 shared[128];\n\
         ld.param.u64 %d1, [to]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;\n\
         mul.wide.u32 %d2, %r1, 4; sub.s64 %d3, 124, %d2; add.s64 %d4, %d1, %d2;\n\
         mov.u64 %d5, shared; add.s64 %d2, %d2, %d5; add.s64 %d3, %d3, %d5;\n\
         {code}\nret;\n}}\n"
    ))
    .unwrap()
}

/// Runs it with blocks of 32 threads; what the wait gives.
fn run(device: &Device, code: &str, blocks: u32, to: u64) -> i32 {
    let (source, mut module, mut function) = (kernel(code), 0, 0);
    assert_eq!(device.cuModuleLoadData(&raw mut module, source.as_ptr()), 0);
    assert_eq!(device.cuModuleGetFunction(&raw mut function, module, c"k".as_ptr()), 0);
    let arguments: [*const c_void; 1] = [(&raw const to).cast()];
    let (arguments, none) = (arguments.as_ptr(), std::ptr::null());
    let result = device.cuLaunchKernel(function, blocks, 1, 1, 32, 1, 1, 0, 0, arguments, none);
    assert_eq!(result, 0);
    device.cuCtxSynchronize()
}

/// Code that is right, and its twin that is not.
fn check(right: &str, wrong: &str, blocks: u32, expected: &str) {
    let device = Device::open();
    let to = device.upload(&[0; 256]);
    assert_eq!(run(&device, right, blocks, to), 0, "{:?}", device.violations());
    device.assert_clean();
    assert_eq!(run(&device, wrong, blocks, to), 719);
    device.assert_violation(expected);
    let unchecked = Device::open_with(&[("check_races", 0)]);
    let to = unchecked.upload(&[0; 256]);
    assert_eq!(run(&unchecked, wrong, blocks, to), 0);
    unchecked.assert_clean();
}

#[test]
fn shared_memory_without_a_barrier() {
    let with = |barrier: &str| {
        format!(
            "st.shared.u32 [%d2], %r1; {barrier}\n\
             setp.lt.u32 %p1, %r1, 16; @%p1 bra END;\n\
             ld.shared.u32 %r3, [%d3]; st.global.u32 [%d4], %r3; END:"
        )
    };
    let expected = "race inside of the kernel: byte 60 of shared memory is also written by \
                    thread #15 of the block, with no barrier between";
    check(&with("bar.sync 0;"), &with(""), 1, expected);
}

#[test]
fn shared_memory_that_is_written_again_without_a_barrier() {
    let with = |barrier: &str| {
        format!(
            "st.shared.u32 [%d2], %r1; bar.sync 0; ld.shared.u32 %r3, [%d3]; {barrier}\n\
             st.shared.u32 [%d2], %r3; st.global.u32 [%d4], %r3;"
        )
    };
    let expected = "of shared memory is also written by thread #15 of the block";
    check(&with("bar.sync 0;"), &with(""), 1, expected);
}

#[test]
fn sums_that_are_not_atomic() {
    let right = "atom.global.add.u32 %r3, [%d1], 1; atom.shared.exch.b32 %r4, [shared], %r1;";
    let right = format!("st.shared.u32 [%d2], 0; bar.sync 0; {right}");
    let wrong = "ld.global.u32 %r3, [%d1]; add.s32 %r3, %r3, 1; st.global.u32 [%d1], %r3;";
    check(&right, wrong, 1, "byte 0 of allocation #1 is also written by thread #0 of the block");
}

#[test]
fn blocks_that_meet() {
    let right = "mul.wide.u32 %d5, %r2, 128; add.s64 %d4, %d4, %d5; st.global.u32 [%d4], %r1;";
    let wrong = "st.global.u32 [%d4], %r1;";
    let expected = "byte 0 of allocation #1 is also written by another block, which nothing orders";
    check(right, wrong, 2, expected);
}

#[test]
fn a_read_beside_atomic_operations() {
    let right = "atom.global.add.u32 %r3, [%d1], 1; bar.sync 0; ld.global.u32 %r3, [%d1];";
    let wrong = "atom.global.add.u32 %r3, [%d1], 1; ld.global.u32 %r3, [%d1];";
    check(right, wrong, 1, "byte 0 of allocation #1 is also read by thread #0 of the block");
}

/// Prints instructions a second: `cargo test -p nereid-softcuda -- --ignored --nocapture speed`.
#[test]
#[ignore = "it measures"]
fn speed() {
    let arithmetic = "mov.u32 %r3, 0; L: mad.lo.s32 %r4, %r3, %r1, %r4; xor.b32 %r4, %r4, %r3;\n\
                      add.s32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 20000; @%p1 bra L;";
    let memory = "mov.u32 %r3, 0; L: ld.global.u32 %r4, [%d4]; add.s32 %r4, %r4, %r3;\n\
                  st.global.u32 [%d4], %r4; st.shared.u32 [%d2], %r4; ld.shared.u32 %r5, [%d2];\n\
                  add.s32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 10000; @%p1 bra L;";
    for (name, code) in [("arithmetic", arithmetic), ("memory", memory)] {
        for check_races in [0, 1, 0, 1] {
            let device = Device::open_with(&[("check_races", check_races)]);
            let (to, start) = (device.upload(&[0; 256]), Instant::now());
            assert_eq!(run(&device, code, 1, to), 0);
            let count = u32::try_from(device.count("instructions")).unwrap();
            let rate = f64::from(count) / start.elapsed().as_secs_f64() / 1e6;
            println!("{name}, races checked: {check_races}: {rate:.1} M instructions/s");
        }
    }
}
