// Where a resized picture takes its pixels from, along one axis: `cpu/taps.rs` has the formulas, and the names.
//
// Axes have 1 to 65535 pixels, so products have up to 34 bits. Dividing 64 bits is slow, but what has 32 bits is
// divided as such, by a branch that the compiler writes.
#pragma once
#include "elements.cuh"

// Of whole numbers, each rounded to a float first.
inline float ratio(u64 part, u64 whole) {
    return (float)part / (float)whole;
}

struct Tap {
    int first;
    float weight;
};

inline Tap tap(u32 source, u32 target, u32 i) {
    u64 unit = 2ull * target;
    u64 centre = (2ull * i + 1) * source;
    u64 x = min(centre > target ? centre - target : 0, (source - 1) * unit);
    u64 first = x / unit;
    return {(int)first, ratio(x - first * unit, unit)};
}

// The pixels that a triangle reaches: `count` of them from `first` on. The sum of their weights in closed form, which
// whole numbers allow: of the odd numbers 2j + 1 for j from a to b, it is b * b - a * a.
struct Triangle {
    u64 centre, reach, sum;
    u32 target, first, count;

    inline Triangle(u32 source, u32 target_, u32 i) : target(target_) {
        centre = (2ull * i + 1) * source;
        reach = 2ull * max(source, target);
        u64 unit = 2ull * target;
        u64 start = ((centre > reach ? centre - reach : 0) + target) / unit;
        u64 end = min((u64)source, (centre + reach + target - 1) / unit);
        // The first whose centre lies behind that of the target.
        u64 middle = min(max((centre + target) / unit, start), end);
        first = (u32)start;
        count = (u32)(end - start);
        sum = (middle - start) * (reach - centre) + target * (middle * middle - start * start)
            + (end - middle) * (reach + centre) - target * (end * end - middle * middle);
    }

    // The weight of pixel `first + k`.
    inline float weight(u32 k) const {
        u64 at = (2ull * (first + k) + 1) * target;
        return ratio(reach - (at > centre ? at - centre : centre - at), sum);
    }
};

// Not fused: `--fmad=false`.
inline float lerp(float first, float second, float weight) {
    return first + (second - first) * weight;
}
