//! Several threads: branches, barriers, shuffles, and what goes wrong with them.

use super::{Flat, Kind, check, kernel, run};
use crate::exec::{Memory, Who};

/// Each thread's `%w0` as bytes.
fn lanes(code: &str, count: u32) -> Vec<u8> {
    let code =
        format!("mov.u32 %w7, %tid.x; cvt.u64.u32 %d7, %w7; {code} st.global.u8 [%d7], %w0; ret;");
    let mut memory = Flat(vec![0; 64]);
    run(&kernel(&code), [count, 1, 1], [0; 3], &mut memory).unwrap();
    memory.0[..count as usize].to_vec()
}

fn fault(code: &str, count: u32) -> Kind {
    let mut memory = Flat(vec![0; 64]);
    run(&kernel(code), [count, 1, 1], [0; 3], &mut memory).unwrap_err().trouble.kind
}

#[test]
fn guards_branches_and_labels() {
    check("setp.eq.s32 %p1, %w1, 1; @%p1 mov.u32 %w0, 5; @!%p1 mov.u32 %w0, 6;", [1, 0, 0], 5);
    check("setp.eq.s32 %p1, %w1, 1; @%p1 mov.u32 %w0, 5; @!%p1 mov.u32 %w0, 6;", [2, 0, 0], 6);
    let sum = "L1: add.s32 %w0, %w0, %w1; sub.s32 %w1, %w1, 1; setp.gt.s32 %p1, %w1, 0;\n\
               @%p1 bra L1; bra.uni L2; mov.u32 %w0, 99; L2:";
    check(sum, [4, 0, 0], 10);
    check("{ .reg .b32 inner; mov.u32 inner, 4; mov.u32 %w0, inner; }", [0; 3], 4);
}

#[test]
fn barriers_let_threads_see_each_other() {
    let code = "mov.u32 %w4, shared; add.s32 %w5, %w4, %w7; st.shared.u8 [%w5], %w7; bar.sync 0;\n\
                sub.s32 %w6, 3, %w7; add.s32 %w5, %w4, %w6; ld.shared.u8 %w0, [%w5];";
    assert_eq!(lanes(code, 4), [3, 2, 1, 0]);
}

#[test]
fn shuffles() {
    let of = |form: &str| lanes(&format!("shfl.sync.{form};"), 32);
    let value = |count: u8, change: fn(u8) -> u8| (0..count).map(change).collect::<Vec<_>>();
    let down = of("down.b32 %w0|%p1, %w7, 4, 31, 0xffffffff");
    assert_eq!(down, value(32, |lane| if lane < 28 { lane + 4 } else { lane }));
    let up = of("up.b32 %w0, %w7, 4, 0, -1");
    assert_eq!(up, value(32, |lane| if lane >= 4 { lane - 4 } else { lane }));
    assert_eq!(of("bfly.b32 %w0, %w7, 1, 31, -1"), value(32, |lane| lane ^ 1));
    assert_eq!(of("idx.b32 %w0, %w7, 3, 31, -1"), value(32, |_| 3));
    // Segments of 8 lanes: `c` is 31 - 7 << 8 | 7.
    assert_eq!(of("idx.b32 %w0, %w7, 3, 0x1807, -1"), value(32, |lane| lane / 8 * 8 + 3));
    let valid = "shfl.sync.down.b32 %w4|%p1, %w7, 4, 31, -1; selp.u32 %w0, 1, 0, %p1;";
    assert_eq!(lanes(valid, 32), value(32, |lane| u8::from(lane < 28)));
}

#[test]
fn faults() {
    assert_eq!(fault("div.s32 %w0, %w1, %w2;", 1), Kind::DivisionByZero);
    assert_eq!(fault("trap;", 1), Kind::Trap);
    assert_eq!(fault("L: bra L;", 1), Kind::Endless);
    assert_eq!(fault("ld.shared.u32 %w0, [shared];", 1), Kind::UninitialisedRead);
    assert_eq!(fault("ld.local.u32 %w0, [stack];", 1), Kind::UninitialisedRead);
    assert_eq!(fault("st.shared.u32 [shared+64], %w1;", 1), Kind::OutOfBounds);
    assert_eq!(fault("st.local.u32 [stack+32], %w1;", 1), Kind::OutOfBounds);
    assert_eq!(fault("ld.param.u64 %d0, [a+24];", 1), Kind::OutOfBounds);
    assert_eq!(fault("ld.global.u32 %w0, [%d1+2];", 1), Kind::Misaligned);
    assert_eq!(fault("ld.global.v2.u32 {%w0, %w4}, [%d1+4];", 1), Kind::Misaligned);
    let some = "mov.u32 %w4, %tid.x; setp.eq.s32 %p1, %w4, 0;";
    let apart = format!("{some} @%p1 bra L; shfl.sync.idx.b32 %w0, %w1, 0, 31, -1; L: bar.sync 0;");
    assert_eq!(fault(&apart, 32), Kind::Deadlock);
    let unasked = "shfl.sync.idx.b32 %w0, %w1, 0, 31, 1;";
    assert_eq!(fault(unasked, 2), Kind::InactiveLane);
}

#[test]
fn a_fault_tells_where() {
    let code = "mov.u32 %w4, %tid.x; setp.eq.s32 %p1, %w4, 2;\n@%p1 trap;";
    let mut memory = Flat(vec![0; 64]);
    let fault = run(&kernel(code), [4, 1, 1], [0; 3], &mut memory).unwrap_err();
    assert_eq!((fault.line, fault.block, fault.thread), (12, [0; 3], [2, 0, 0]));
    assert!(memory.load(Who::first(false), 0, 8).is_ok());
}
