//! What does not load: everything that is not known, and what has no bits of its own.

use super::kernel;
use crate::ptx::parse;

fn check(code: &str, expected: &str) {
    let error = parse(&kernel(code), &mut |_| Ok(0)).unwrap_err();
    assert!(error.starts_with("PTX line 11: ") && error.contains(expected), "{code}: {error}");
}

#[test]
fn unknown_opcodes_modifiers_types_and_operands() {
    for (code, expected) in [
        ("mma.sync.foo %w0, %w1;", "opcode `mma` is not known"),
        ("ex2.approx.f32 %w0, %w1;", "opcode `ex2`"),
        ("add.f16x2 %w0, %w1, %w2;", "`.f16x2`"),
        ("fma.rn.f16x2 %w0, %w1, %w2, %w3;", "`.f16x2`"),
        ("add.rz.f32 %w0, %w1, %w2;", "`.rz`"),
        ("add.rn.s32 %w0, %w1, %w2;", "`.s32`"),
        ("add.ftz.f32 %w0, %w1, %w2;", "`.ftz`"),
        ("add.sat.s32 %w0, %w1, %w2;", "`.sat`"),
        ("add.b32 %w0, %w1, %w2;", "`.b32`"),
        ("add %w0, %w1, %w2;", "expected a type"),
        ("add.s32.s32 %w0, %w1, %w2;", "`.s32`"),
        ("mul.s32 %w0, %w1, %w2;", "`.s32`"),
        ("mul.wide.u64 %d0, %d1, %d2;", "`.u64`"),
        ("mad.s32 %w0, %w1, %w2, %w3;", "expected `.lo`"),
        ("div.approx.f32 %w0, %w1, %w2;", "`.approx`"),
        ("div.f32 %w0, %w1, %w2;", "`.f32`"),
        ("rcp.approx.ftz.f32 %w0, %w1;", "expected `.rn`"),
        ("sqrt.approx.f32 %w0, %w1;", "expected `.rn`"),
        ("fma.rm.f32 %w0, %w1, %w2, %w3;", "expected `.rn`"),
        ("min.NaN.f32 %w0, %w1, %w2;", "`.NaN`"),
        ("cvt.f32.s32 %w0, %w1;", "is not known"),
        ("cvt.s32.f32 %w0, %w1;", "is not known"),
        ("cvt.rn.f16.f64 %h0, %d1;", "is not known"),
        ("cvt.rn.s32.f32 %w0, %w1;", "is not known"),
        ("cvt.rz.f32.f64 %w0, %d1;", "`.rz`"),
        ("setp.lt.and.f32 %p0, %w1, %w2, %p1;", "`.and`"),
        ("setp.ltu.s32 %p0, %w1, %w2;", "`.s32`"),
        ("ld.volatile.global.u32 %w0, [%d1];", "`.volatile`"),
        ("ld.global.v3.u32 %w0, [%d1];", "`.v3`"),
        ("ld.global.v2.u32 %w0, [%d1];", "expected 2 registers, found 1"),
        ("ld.shared.nc.u32 %w0, [%d1];", "`.nc`"),
        ("ld.global.pred %p0, [%d1];", "`.pred`"),
        ("st.param.u32 [a], %w1;", "not written"),
        ("atom.global.add.f32 %w0, [%d1], %w2;", "`.f32`"),
        ("atom.global.inc.u32 %w0, [%d1], %w2;", "expected an operation"),
        ("atom.relaxed.global.add.u32 %w0, [%d1], %w2;", "expected a scope"),
        ("atom.acquire.gpu.global.add.u32 %w0, [%d1], %w2;", "expected an operation"),
        ("bfi.b16 %h0, %h1, %h2, 0, 1;", "`.b16`"),
        ("bfe.b32 %w0, %w1, 0, 1;", "`.b32`"),
        ("bfind.b32 %w0, %w1;", "`.b32`"),
        ("bar.sync 1;", "expected `bar.sync 0`"),
        ("bar.red.popc.u32 %w0, 0, %p1;", "expected `bar.sync 0`"),
        ("shfl.down.b32 %w0, %w1, 1, 31;", "expected `.sync`"),
        ("add.s32 %w0, %w1;", "expected more operands"),
        ("add.s32 %w0, %w1, %w2, %w3;", "expected no more operands"),
        ("add.s32 %w0, %w1, %x2;", "`%x2` is not known"),
        ("add.s32 %x0, %w1, %w2;", "`%x0` is no register"),
        ("mov.b32 %w0, {%h1, %h2, %h3};", "3 parts do not make a B32"),
        ("cvta.param.u64 %d0, %d1;", "no generic address"),
        (".callprototype foo;", "`.callprototype` is not known"),
    ] {
        check(code, expected);
    }
}

#[test]
fn what_is_wrong_around_code() {
    for (source, expected) in [
        (".version 8.0\n.func f()", "PTX line 2: `.func` is not known"),
        (".version 8.0\n.address_size 32", "expected `64`, found `32`"),
        (".entry k()\n{\nbra L;\n}", "no label `L` in `k`"),
        (".entry k()\n{\nret;\n", "the text ends too early"),
        (".entry k(.param .u64 a[1000000]) { ret; }", "bytes of"),
        (".entry k() { .reg .b32 %r<70000>; ret; }", "at most 65536 registers"),
        (".global .b8 a[2] = {1, x};", "`x` is no number"),
        (".entry k() .maxfoo 3 { ret; }", "`.maxfoo` is not known"),
        ("/* open", "a comment has no end"),
    ] {
        let error = parse(source, &mut |_| Ok(0)).unwrap_err();
        assert!(error.contains(expected), "{source}: {error}");
    }
}
