// The exponential and the sigmoid of `cpu/exp.rs`: the same operations, so the same bits on every GPU and processor.
// `expf` would be the hardware's approximation.
#pragma once
#include "elements.cuh"

inline float power_of_two(u32 n) {
    return __uint_as_float((n + 127) << 23);
}

inline float exponential(float x) {
    const float ROUNDER = 12582912.0f;
    // Written so that a NaN passes.
    float clamped = x < -104.0f ? -104.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    float shifted = clamped * 1.44269504088896340736f + ROUNDER;
    float whole = shifted - ROUNDER;
    float rest = (clamped - whole * 0.6933594f) - whole * -2.1219444e-4f;
    float p = 1.0f / 720.0f + rest * (1.0f / 5040.0f);
    p = 1.0f / 120.0f + rest * p;
    p = 1.0f / 24.0f + rest * p;
    p = 1.0f / 6.0f + rest * p;
    p = 0.5f + rest * p;
    p = 1.0f + rest * (1.0f + rest * p);
    u32 n = __float_as_uint(shifted) - __float_as_uint(ROUNDER);
    u32 half = (u32)((int)n >> 1);
    return p * power_of_two(half) * power_of_two(n - half);
}

inline float sigmoid(float x) {
    return 1.0f / (1.0f + exponential(-x));
}
