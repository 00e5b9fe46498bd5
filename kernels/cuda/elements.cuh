// The types that a tensor's elements may have, and how single precision becomes each of them, as `cpu/level.rs` has it.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define INFINITY __uint_as_float(0x7f800000u)
#define NAN __uint_as_float(0x7fffffffu)

// The bits of a half.
struct f16 {
    u16 bits;
};

// Adding 1.5 * 2^23 rounds to the nearest, ties to even, and leaves the whole number in the low bits. Of a NaN and 0,
// the larger is 0.
inline void store(u8* to, float level) {
    *to = (u8)__float_as_uint(fminf(fmaxf(level, 0.0f), 255.0f) + 12582912.0f);
}

inline void store(f16* to, float level) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(level));
    to->bits = bits;
}

inline void store(float* to, float level) {
    *to = level;
}

inline void store(double* to, float level) {
    *to = (double)level;
}
