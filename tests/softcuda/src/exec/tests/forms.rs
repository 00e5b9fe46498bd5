//! One thread, one form.

use super::check;

fn f(value: f32) -> u64 {
    value.to_bits().into()
}

fn d(value: f64) -> u64 {
    value.to_bits()
}

const NAN: u64 = 0x7fff_ffff;
/// -1 in 32 bits.
const M1: u64 = 0xffff_ffff;

#[test]
fn integers() {
    for ty in ["u32", "s32"] {
        check(&format!("add.{ty} %w0, %w1, %w2;"), [M1, 3, 0], 2);
        check(&format!("sub.{ty} %w0, %w1, %w2;"), [3, 4, 0], M1);
        check(&format!("mul.lo.{ty} %w0, %w1, %w2;"), [M1, 3, 0], 0xffff_fffd);
        check(&format!("mad.lo.{ty} %w0, %w1, %w2, %w3;"), [M1, 3, 5], 2);
    }
    for ty in ["u64", "s64"] {
        check(&format!("add.{ty} %d0, %d1, %d2;"), [u64::MAX, 3, 0], 2);
        check(&format!("sub.{ty} %d0, %d1, %d2;"), [3, 4, 0], u64::MAX);
        check(&format!("mul.lo.{ty} %d0, %d1, %d2;"), [u64::MAX, 3, 0], u64::MAX - 2);
        check(&format!("mad.lo.{ty} %d0, %d1, %d2, %d3;"), [u64::MAX, 3, 5], 2);
    }
    for ty in ["u16", "s16"] {
        check(&format!("add.{ty} %h0, %h1, %h2;"), [0xffff, 3, 0], 2);
        check(&format!("sub.{ty} %h0, %h1, %h2;"), [3, 4, 0], 0xffff);
        check(&format!("mul.lo.{ty} %h0, %h1, %h2;"), [0xffff, 3, 0], 0xfffd);
        check(&format!("mad.lo.{ty} %h0, %h1, %h2, %h3;"), [0xffff, 3, 5], 2);
    }
    check("mul.hi.u32 %w0, %w1, %w2;", [M1, 3, 0], 2);
    check("mul.hi.s32 %w0, %w1, %w2;", [M1, 3, 0], M1);
    check("mul.hi.u64 %d0, %d1, %d2;", [u64::MAX, u64::MAX, 0], u64::MAX - 1);
    check("mul.hi.s64 %d0, %d1, %d2;", [u64::MAX, u64::MAX, 0], 0);
    check("mad.hi.u32 %w0, %w1, %w2, %w3;", [M1, 3, 5], 7);
    check("mul.wide.u16 %w0, %h1, %h2;", [0xffff, 2, 0], 0x1_fffe);
    check("mul.wide.s16 %w0, %h1, %h2;", [0xffff, 2, 0], 0xffff_fffe);
    check("mul.wide.u32 %d0, %w1, %w2;", [M1, 2, 0], 0x1_ffff_fffe);
    check("mul.wide.s32 %d0, %w1, %w2;", [M1, 2, 0], u64::MAX - 1);
    check("mad.wide.u32 %d0, %w1, %w2, %d3;", [M1, 2, 4], 0x2_0000_0002);
    check("mad.wide.s32 %d0, %w1, %w2, %d3;", [M1, 2, 4], 2);
    check("mad.wide.s16 %w0, %h1, %h2, %w3;", [0xffff, 2, 4], 2);
    check("mad.wide.u16 %w0, %h1, %h2, %w3;", [0xffff, 2, 4], 0x2_0002);
}

#[test]
fn quotients_and_extremes() {
    check("div.u32 %w0, %w1, %w2;", [M1, 2, 0], 0x7fff_ffff);
    check("div.s32 %w0, %w1, %w2;", [M1 - 6, 2, 0], M1 - 2); // -7 / 2 is -3.
    check("rem.u32 %w0, %w1, %w2;", [M1, 2, 0], 1);
    check("rem.s32 %w0, %w1, %w2;", [M1 - 6, 2, 0], M1); // -7 % 2 is -1.
    check("div.s32 %w0, %w1, %w2;", [0x8000_0000, M1, 0], 0x8000_0000);
    check("div.u64 %d0, %d1, %d2;", [u64::MAX, 2, 0], u64::MAX / 2);
    check("div.s64 %d0, %d1, %d2;", [u64::MAX - 6, 2, 0], u64::MAX - 2);
    check("rem.u64 %d0, %d1, %d2;", [u64::MAX, 2, 0], 1);
    check("rem.s64 %d0, %d1, %d2;", [u64::MAX - 6, 2, 0], u64::MAX);
    check("min.u32 %w0, %w1, %w2;", [M1, 2, 0], 2);
    check("min.s32 %w0, %w1, %w2;", [M1, 2, 0], M1);
    check("max.u32 %w0, %w1, %w2;", [M1, 2, 0], M1);
    check("max.s32 %w0, %w1, %w2;", [M1, 2, 0], 2);
    check("min.s64 %d0, %d1, %d2;", [u64::MAX, 2, 0], u64::MAX);
    check("max.u64 %d0, %d1, %d2;", [u64::MAX, 2, 0], u64::MAX);
    check("min.u16 %h0, %h1, %h2;", [0xffff, 2, 0], 2);
    check("max.s16 %h0, %h1, %h2;", [0xffff, 2, 0], 2);
    check("neg.s32 %w0, %w1;", [1, 0, 0], M1);
    check("neg.s64 %d0, %d1;", [1, 0, 0], u64::MAX);
    check("neg.s16 %h0, %h1;", [1, 0, 0], 0xffff);
    check("abs.s32 %w0, %w1;", [M1, 0, 0], 1);
    check("abs.s32 %w0, %w1;", [0x8000_0000, 0, 0], 0x8000_0000);
    check("abs.s64 %d0, %d1;", [u64::MAX, 0, 0], 1);
}

#[test]
fn bits() {
    check("and.b32 %w0, %w1, %w2;", [0b1100, 0b1010, 0], 0b1000);
    check("or.b32 %w0, %w1, %w2;", [0b1100, 0b1010, 0], 0b1110);
    check("xor.b32 %w0, %w1, %w2;", [0b1100, 0b1010, 0], 0b0110);
    check("and.b64 %d0, %d1, %d2;", [1 << 63 | 1, 1 << 63, 0], 1 << 63);
    check("xor.b64 %d0, %d1, %d2;", [1 << 63 | 1, 1 << 63, 0], 1);
    check("or.b16 %h0, %h1, %h2;", [1, 2, 0], 3);
    check("not.b32 %w0, %w1;", [1, 0, 0], 0xffff_fffe);
    check("not.b64 %d0, %d1;", [1, 0, 0], u64::MAX - 1);
    check("not.b16 %h0, %h1;", [1, 0, 0], 0xfffe);
    check("shl.b32 %w0, %w1, %w2;", [M1, 4, 0], 0xffff_fff0);
    check("shl.b32 %w0, %w1, %w2;", [M1, 32, 0], 0);
    check("shl.b64 %d0, %d1, %w2;", [1, 63, 0], 1 << 63);
    check("shl.b16 %h0, %h1, %w2;", [0xffff, 8, 0], 0xff00);
    check("shr.u32 %w0, %w1, %w2;", [M1, 4, 0], 0x0fff_ffff);
    check("shr.b32 %w0, %w1, %w2;", [M1, 99, 0], 0);
    check("shr.s32 %w0, %w1, %w2;", [M1, 99, 0], M1);
    check("shr.u64 %d0, %d1, %w2;", [u64::MAX, 63, 0], 1);
    check("shr.s64 %d0, %d1, %w2;", [1 << 63, 63, 0], u64::MAX);
    check("shr.s16 %h0, %h1, %w2;", [0x8000, 15, 0], 0xffff);
    check("popc.b32 %w0, %w1;", [0xf0f, 0, 0], 8);
    check("popc.b64 %w0, %d1;", [u64::MAX, 0, 0], 64);
    check("clz.b32 %w0, %w1;", [1, 0, 0], 31);
    check("clz.b64 %w0, %d1;", [0, 0, 0], 64);
    check("brev.b32 %w0, %w1;", [1, 0, 0], 0x8000_0000);
    check("brev.b64 %d0, %d1;", [2, 0, 0], 1 << 62);
    check("bfi.b32 %w0, %w1, %w2, 8, 4;", [0xab, 0x1111_1111, 0], 0x1111_1b11);
    check("bfi.b32 %w0, %w1, %w2, 28, 8;", [0xab, 0, 0], 0xb000_0000);
    check("bfi.b32 %w0, %w1, %w2, 32, 8;", [0xab, 7, 0], 7);
    check("bfi.b32 %w0, %w1, %w2, 0, 0;", [0xab, 7, 0], 7);
    check("bfi.b64 %d0, %d1, %d2, 32, 32;", [0x0123_4567, 0x89ab_cdef, 0], 0x0123_4567_89ab_cdef);
    check("bfi.b64 %d0, %d1, %d2, 0, 64;", [5, 9, 0], 5);
    check("bfi.b64 %d0, %d1, %d2, 256, 257;", [3, 8, 0], 9);
    check("bfe.u32 %w0, %w1, 8, 4;", [0x0000_0f00, 0, 0], 0xf);
    check("bfe.s32 %w0, %w1, 8, 4;", [0x0000_0f00, 0, 0], M1);
    check("bfe.s32 %w0, %w1, 8, 5;", [0x0000_0f00, 0, 0], 0xf);
    check("bfe.s32 %w0, %w1, 28, 8;", [0xa000_0000, 0, 0], 0xffff_fffa);
    check("bfe.u32 %w0, %w1, 28, 8;", [0xa000_0000, 0, 0], 0xa);
    check("bfe.s32 %w0, %w1, 40, 1;", [0x8000_0000, 0, 0], M1);
    check("bfe.u64 %d0, %d1, 32, 32;", [0x0123_4567_89ab_cdef, 0, 0], 0x0123_4567);
    check("bfe.s64 %d0, %d1, 0, 0;", [u64::MAX, 0, 0], 0);
    check("bfind.u32 %w0, %w1;", [0x0f00, 0, 0], 11);
    check("bfind.u32 %w0, %w1;", [0, 0, 0], M1);
    check("bfind.s32 %w0, %w1;", [0xffff_fff0, 0, 0], 3);
    check("bfind.s32 %w0, %w1;", [M1, 0, 0], M1);
    check("bfind.u64 %w0, %d1;", [1 << 40, 0, 0], 40);
    check("bfind.s64 %w0, %d1;", [u64::MAX << 40, 0, 0], 39);
    check("bfind.shiftamt.u32 %w0, %w1;", [0x0f00, 0, 0], 20);
    check("bfind.shiftamt.u32 %w0, %w1;", [0, 0, 0], M1);
    check("bfind.shiftamt.s32 %w0, %w1;", [0xffff_fff0, 0, 0], 28);
    check("bfind.shiftamt.u64 %w0, %d1;", [1 << 40, 0, 0], 23);
    check("prmt.b32 %w0, %w1, %w2, 0x5140;", [0x3322_1100, 0x7766_5544, 0], 0x5511_4400);
    check("prmt.b32 %w0, %w1, %w2, 0xb210;", [0x8022_1100, 0, 0], 0xff22_1100);
    check("prmt.b32 %w0, %w1, %w2, 0x000b;", [0x7022_1100, 0, 0], 0);
}

#[test]
fn floats() {
    let third = 1.0_f32 / 3.0;
    for rounding in ["", ".rn"] {
        check(&format!("add{rounding}.f32 %w0, %w1, %w2;"), [f(0.1), f(0.2), 0], f(0.1 + 0.2));
        check(&format!("sub{rounding}.f32 %w0, %w1, %w2;"), [f(0.1), f(0.2), 0], f(0.1 - 0.2));
        check(&format!("mul{rounding}.f32 %w0, %w1, %w2;"), [f(0.1), f(0.2), 0], f(0.1 * 0.2));
        check(&format!("add{rounding}.f64 %d0, %d1, %d2;"), [d(0.1), d(0.2), 0], d(0.1 + 0.2));
        check(&format!("sub{rounding}.f64 %d0, %d1, %d2;"), [d(0.1), d(0.2), 0], d(0.1 - 0.2));
        check(&format!("mul{rounding}.f64 %d0, %d1, %d2;"), [d(0.1), d(0.2), 0], d(0.1 * 0.2));
    }
    check("div.rn.f32 %w0, %w1, %w2;", [f(1.0), f(3.0), 0], f(third));
    check("div.rn.f64 %d0, %d1, %d2;", [d(1.0), d(3.0), 0], d(1.0 / 3.0));
    // Rounded once: twice would give 0.
    let (a, c) = (1.0 + f32::EPSILON, -(1.0 + 2.0 * f32::EPSILON));
    check("fma.rn.f32 %w0, %w1, %w2, %w3;", [f(a), f(a), f(c)], f(2.0_f32.powi(-46)));
    let (a, c) = (1.0 + f64::EPSILON, -(1.0 + 2.0 * f64::EPSILON));
    check("fma.rn.f64 %d0, %d1, %d2, %d3;", [d(a), d(a), d(c)], d(2.0_f64.powi(-104)));
    check("rcp.rn.f32 %w0, %w1;", [f(3.0), 0, 0], f(third));
    check("rcp.rn.f64 %d0, %d1;", [d(3.0), 0, 0], d(1.0 / 3.0));
    check("sqrt.rn.f32 %w0, %w1;", [f(2.0), 0, 0], f(std::f32::consts::SQRT_2));
    check("sqrt.rn.f64 %d0, %d1;", [d(2.0), 0, 0], d(std::f64::consts::SQRT_2));
    check("neg.f32 %w0, %w1;", [f(2.0), 0, 0], f(-2.0));
    check("abs.f32 %w0, %w1;", [f(-2.0), 0, 0], f(2.0));
    check("neg.f64 %d0, %d1;", [d(2.0), 0, 0], d(-2.0));
    check("abs.f64 %d0, %d1;", [d(-2.0), 0, 0], d(2.0));
    // Subnormals are kept.
    check("mul.f32 %w0, %w1, %w2;", [f(f32::MIN_POSITIVE), f(0.5), 0], 0x0040_0000);
}

#[test]
fn floats_without_a_number() {
    check("add.f32 %w0, %w1, %w2;", [f(f32::INFINITY), f(f32::NEG_INFINITY), 0], NAN);
    check("mul.f32 %w0, %w1, %w2;", [0xffc0_1234, f(1.0), 0], NAN);
    check("sqrt.rn.f32 %w0, %w1;", [f(-1.0), 0, 0], NAN);
    check("div.rn.f32 %w0, %w1, %w2;", [f(1.0), f(0.0), 0], f(f32::INFINITY));
    let (min, max) = ("min.f32 %w0, %w1, %w2;", "max.f32 %w0, %w1, %w2;");
    check(min, [f(f32::NAN), f(1.0), 0], f(1.0));
    check(max, [f(1.0), f(f32::NAN), 0], f(1.0));
    check(min, [f(f32::NAN), f(f32::NAN), 0], NAN);
    check(min, [f(0.0), f(-0.0), 0], f(-0.0));
    check(min, [f(-0.0), f(0.0), 0], f(-0.0));
    check(min, [f(1.0), f(2.0), 0], f(1.0));
    check(min, [f(2.0), f(1.0), 0], f(1.0));
    check(max, [f(-0.0), f(0.0), 0], f(0.0));
    check(max, [f(0.0), f(-0.0), 0], f(0.0));
    check(max, [f(2.0), f(1.0), 0], f(2.0));
    check("min.f64 %d0, %d1, %d2;", [d(2.0), d(1.0), 0], d(1.0));
    check("max.f64 %d0, %d1, %d2;", [d(2.0), d(f64::NAN), 0], d(2.0));
}

#[test]
fn comparisons() {
    // Names; whether they hold of less, equal, greater, and of a NaN.
    let table = [
        ("eq", [0, 1, 0, 0]),
        ("ne", [1, 0, 1, 0]),
        ("lt", [1, 0, 0, 0]),
        ("le", [1, 1, 0, 0]),
        ("gt", [0, 0, 1, 0]),
        ("ge", [0, 1, 1, 0]),
        ("equ", [0, 1, 0, 1]),
        ("neu", [1, 0, 1, 1]),
        ("ltu", [1, 0, 0, 1]),
        ("leu", [1, 1, 0, 1]),
        ("gtu", [0, 0, 1, 1]),
        ("geu", [0, 1, 1, 1]),
        ("num", [1, 1, 1, 0]),
        ("nan", [0, 0, 0, 1]),
    ];
    for (name, expected) in table {
        for (b, expected) in [2.0, 1.0, 0.0, f32::NAN].into_iter().zip(expected) {
            check(&format!("setp.{name}.f32 %p0, %w1, %w2;"), [f(1.0), f(b), 0], expected);
            let inputs = [d(1.0), d(b.into()), 0];
            check(&format!("setp.{name}.f64 %p0, %d1, %d2;"), inputs, expected);
        }
    }
    for (name, expected) in &table[..6] {
        for (b, expected) in [2, 1, 0].into_iter().zip(expected) {
            for ty in ["u32", "s32"] {
                check(&format!("setp.{name}.{ty} %p0, %w1, %w2;"), [1, b, 0], *expected);
            }
            check(&format!("setp.{name}.s64 %p0, %d1, %d2;"), [1, b, 0], *expected);
            check(&format!("setp.{name}.u16 %p0, %h1, %h2;"), [1, b, 0], *expected);
        }
    }
    check("setp.lt.s32 %p0, %w1, %w2;", [M1, 0, 0], 1);
    for (name, expected) in [("lo", 0), ("ls", 0), ("hi", 1), ("hs", 1)] {
        check(&format!("setp.{name}.u32 %p0, %w1, %w2;"), [M1, 0, 0], expected);
    }
    check("setp.eq.b32 %p0, %w1, %w2;", [M1, M1, 0], 1);
    check("setp.ne.b64 %p1, %d1, %d2; not.pred %p0, %p1;", [1, 2, 0], 0);
    let both = "setp.eq.s32 %p1, %w1, 1; setp.eq.s32 %p2, %w2, 1;";
    check(&format!("{both} and.pred %p0, %p1, %p2;"), [1, 0, 0], 0);
    check(&format!("{both} or.pred %p0, %p1, %p2;"), [1, 0, 0], 1);
    check(&format!("{both} xor.pred %p0, %p1, %p2;"), [1, 1, 0], 0);
    check("setp.eq.s32 %p1, %w1, 1; selp.f32 %w0, %w2, %w3, %p1;", [1, 5, 6], 5);
    check("setp.eq.s32 %p1, %w1, 1; selp.b64 %d0, %d2, %d3, %p1;", [0, 5, 6], 6);
}

#[test]
fn conversions() {
    check("cvt.u16.u32 %h0, %w1;", [0x1_2345, 0, 0], 0x2345);
    check("cvt.s32.s16 %w0, %h1;", [0x8000, 0, 0], 0xffff_8000);
    check("cvt.s64.s32 %d0, %w1;", [M1, 0, 0], u64::MAX);
    check("cvt.u32.u8 %w0, %h1;", [0x1ff, 0, 0], 0xff);
    check("cvt.s32.s8 %w0, %w1;", [0x80, 0, 0], 0xffff_ff80);
    check("cvt.s8.s32 %w0, %w1;", [0x180, 0, 0], 0xffff_ff80);
    check("cvt.u8.u32 %w0, %w1;", [0x180, 0, 0], 0x80);
    check("cvt.sat.u8.s32 %w0, %w1;", [M1, 0, 0], 0);
    check("cvt.sat.u8.s32 %w0, %w1;", [300, 0, 0], 255);
    check("cvt.sat.s8.s32 %w0, %w1;", [300, 0, 0], 127);
    for (rounding, expected) in
        [("rni", [2, M1 - 1]), ("rzi", [2, M1 - 1]), ("rmi", [2, M1 - 2]), ("rpi", [3, M1 - 1])]
    {
        for (value, expected) in [2.5, -2.5].into_iter().zip(expected) {
            check(&format!("cvt.{rounding}.s32.f32 %w0, %w1;"), [f(value), 0, 0], expected);
            let inputs = [d(value.into()), 0, 0];
            check(&format!("cvt.{rounding}.s32.f64 %w0, %d1;"), inputs, expected);
        }
    }
    check("cvt.rzi.u32.f32 %w0, %w1;", [f(-1.0), 0, 0], 0);
    check("cvt.rni.u8.f32 %w0, %w1;", [f(255.5), 0, 0], 255);
    check("cvt.rzi.s32.f32 %w0, %w1;", [f(1e10), 0, 0], 0x7fff_ffff);
    check("cvt.rzi.s32.f32 %w0, %w1;", [f(f32::NAN), 0, 0], 0);
    check("cvt.rzi.s64.f32 %d0, %w1;", [f(f32::NAN), 0, 0], 1 << 63);
    check("cvt.rzi.u32.f64 %w0, %d1;", [d(f64::NAN), 0, 0], 0x8000_0000);
    check("cvt.rzi.u64.f64 %d0, %d1;", [d(1e30), 0, 0], u64::MAX);
}

#[test]
fn conversions_to_floats() {
    check("cvt.rn.f32.s32 %w0, %w1;", [0x0100_0001, 0, 0], f(16_777_216.0)); // Ties to even.
    check("cvt.rn.f32.s32 %w0, %w1;", [M1, 0, 0], f(-1.0));
    check("cvt.rn.f32.u32 %w0, %w1;", [M1, 0, 0], f(4_294_967_296.0));
    check("cvt.rn.f32.u8 %w0, %h1;", [0x1ff, 0, 0], f(255.0));
    check("cvt.rn.f32.u16 %w0, %h1;", [0xffff, 0, 0], f(65_535.0));
    check("cvt.rn.f32.s64 %w0, %d1;", [u64::MAX, 0, 0], f(-1.0));
    check("cvt.rn.f64.s32 %d0, %w1;", [M1, 0, 0], d(-1.0));
    check("cvt.rn.f64.u64 %d0, %d1;", [u64::MAX, 0, 0], d(18_446_744_073_709_551_616.0));
    check("cvt.f64.f32 %d0, %w1;", [f(0.1), 0, 0], d(f64::from(0.1_f32)));
    check("cvt.rn.f32.f64 %w0, %d1;", [d(0.1), 0, 0], f(0.1));
    for (rounding, expected) in [("rni", -2.0), ("rzi", -2.0), ("rmi", -3.0), ("rpi", -2.0)] {
        check(&format!("cvt.{rounding}.f32.f32 %w0, %w1;"), [f(-2.5), 0, 0], f(expected));
        let expected = d(expected.into());
        check(&format!("cvt.{rounding}.f64.f64 %d0, %d1;"), [d(-2.5), 0, 0], expected);
    }
    for (value, expected) in [(0.5, 0.5), (2.0, 1.0), (-2.0, 0.0), (-0.0, 0.0), (f32::NAN, 0.0)] {
        check("cvt.sat.f32.f32 %w0, %w1;", [f(value), 0, 0], f(expected));
    }
    // A half's bits: 1, ties to even, largest, overflow, subnormal, half of the smallest, NaN.
    let halves = [
        (1.0, 0x3c00),
        (1.0 + 1.0 / 2048.0, 0x3c00),
        (1.0 + 3.0 / 2048.0, 0x3c02),
        (65_504.0, 0x7bff),
        (65_520.0, 0x7c00),
        (2.0_f32.powi(-24), 1),
        (2.0_f32.powi(-25), 0),
        (f32::NAN, 0x7fff),
    ];
    for (value, half) in halves {
        check("cvt.rn.f16.f32 %h0, %w1;", [f(value), 0, 0], half);
    }
    for (half, value) in [(0x3c00, 1.0), (1, 2.0_f32.powi(-24)), (0xfc00, f32::NEG_INFINITY)] {
        check("cvt.f32.f16 %w0, %h1;", [half, 0, 0], f(value));
    }
    check("cvt.f32.f16 %w0, %h1;", [0x7e00, 0, 0], NAN);
}

#[test]
fn moves() {
    check("mov.b32 %w0, %w1;", [7, 0, 0], 7);
    check("mov.u64 %d0, 0x10;", [0; 3], 16);
    check("mov.f32 %w0, 0f3F800000;", [0; 3], f(1.0));
    check("mov.f64 %d0, 0d3FF0000000000000;", [0; 3], d(1.0));
    check("add.s32 %w0, %w1, -1;", [7, 0, 0], 6);
    check("mov.b32 %w0, {%h1, %h2};", [0x1111, 0x2222, 0], 0x2222_1111);
    check("mov.b64 %d0, {%w1, %w2};", [1, 2, 0], 2 << 32 | 1);
    check("mov.b64 %d0, {%h1, %h2, %h3, %h1};", [1, 2, 3], 1 << 48 | 3 << 32 | 2 << 16 | 1);
    check("mov.b32 {%h0, %h4}, %w1;", [0x2222_1111, 0, 0], 0x1111);
    check("mov.b64 {%w4, %w0}, %d1;", [5 << 32 | 1, 0, 0], 5);
    check("mov.u32 %w0, %ntid.x;", [0; 3], 1);
    check("mov.u32 %w0, %nctaid.z;", [0; 3], 1);
    check("mov.u32 %w0, %tid.y;", [0; 3], 0);
    check("mov.u32 %w0, %ctaid.x;", [0; 3], 0);
}

#[test]
fn loads_and_stores() {
    // Memory holds its addresses as bytes.
    check("ld.global.u8 %h0, [%d1];", [5, 0, 0], 5);
    check("ld.global.nc.u16 %h0, [%d1+2];", [4, 0, 0], 0x0706);
    check("ld.global.u32 %w0, [%d1+-4];", [8, 0, 0], 0x0706_0504);
    check("ld.global.b64 %d0, [%d1];", [8, 0, 0], 0x0f0e_0d0c_0b0a_0908);
    check("ld.u32 %w0, [%d1];", [8, 0, 0], 0x0b0a_0908);
    check("st.global.u8 [%d1], %h2; ld.global.s8 %w0, [%d1];", [9, 0x80, 0], 0xffff_ff80);
    check("st.global.u16 [%d1], %h2; ld.global.s16 %w0, [%d1];", [8, 0x8000, 0], 0xffff_8000);
    check("st.global.u32 [%d1], %w2; ld.global.s32 %d0, [%d1];", [8, M1, 0], u64::MAX);
    check("ld.global.v2.u32 {%w4, %w0}, [%d1];", [8, 0, 0], 0x0f0e_0d0c);
    check("ld.global.v4.u8 {%h4, %h5, %h6, %h0}, [%d1];", [8, 0, 0], 11);
    check(
        "st.global.v4.f32 [%d1], {%w1, %w2, %w3, %w2}; ld.global.f32 %w0, [%d1+12];",
        [16, 77, 0],
        77,
    );
    check(
        "mov.u32 %w4, shared; st.shared.f32 [%w4+8], %w1; ld.shared.f32 %w0, [shared+8];",
        [3, 0, 0],
        3,
    );
    check("st.local.v2.u32 [stack], {%w1, %w2}; ld.local.u32 %w0, [stack+4];", [3, 4, 0], 4);
    let generic = "mov.u64 %d4, stack; cvta.local.u64 %d5, %d4; st.u32 [%d5], %w1;";
    check(&format!("{generic} ld.local.u32 %w0, [stack];"), [3, 0, 0], 3);
    check(&format!("{generic} cvta.to.local.u64 %d6, %d5; ld.local.u32 %w0, [%d6];"), [3, 0, 0], 3);
    let generic = "mov.u64 %d4, shared; cvta.shared.u64 %d5, %d4; st.u32 [%d5], %w1;";
    check(&format!("{generic} ld.shared.u32 %w0, [shared];"), [3, 0, 0], 3);
    check("cvta.to.global.u64 %d4, %d1; ld.global.u8 %h0, [%d4];", [5, 0, 0], 5);
}

#[test]
fn atomics() {
    let after = |op: &str, a: u64, b: u64| {
        let code = format!(
            "st.global.u32 [%d1], %w2; atom.global.{op} %w4, [%d1], %w3; ld.global.u32 %w0, [%d1];"
        );
        (code, [8, a, b])
    };
    for (op, a, b, expected) in [
        ("add.u32", M1, 3, 2),
        ("add.s32", M1, 3, 2),
        ("min.u32", M1, 3, 3),
        ("min.s32", M1, 3, M1),
        ("max.u32", M1, 3, M1),
        ("max.s32", M1, 3, 3),
        ("and.b32", 6, 3, 2),
        ("or.b32", 6, 3, 7),
        ("xor.b32", 6, 3, 5),
        ("exch.b32", 6, 3, 3),
    ] {
        let (code, inputs) = after(op, a, b);
        check(&code, inputs, expected);
    }
    check("atom.global.add.u32 %w0, [%d1], 1;", [8, 0, 0], 0x0b0a_0908);
    check(
        "st.global.u32 [8], %w2; red.global.add.u32 [%d1], %w3; ld.global.u32 %w0, [%d1];",
        [8, 1, 2],
        3,
    );
    for scope in ["cta", "gpu", "sys"] {
        let code = format!("atom.relaxed.{scope}.global.add.u32 %w0, [%d1], 1;");
        check(&code, [8, 0, 0], 0x0b0a_0908);
    }
    let swap = "atom.cas.b32 %w4, [%d1], %w2, %w3; ld.global.u32 %w0, [%d1];";
    check(swap, [8, 0x0b0a_0908, 5], 5);
    check(swap, [8, 1, 5], 0x0b0a_0908);
    check("st.shared.u64 [shared], %d1; atom.shared.add.u64 %d0, [shared], %d2;", [8, 1, 0], 8);
}
