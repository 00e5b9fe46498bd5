// The order of `cpu/top_k.rs`: the larger first, of equal ones the first, NaNs last.
#pragma once
#include "elements.cuh"

// Greater for what comes first. No two elements have the same: the lower half is the place.
inline u64 key_of(float number, u32 place) {
    u32 bits = __float_as_uint(number + 0.0f);  // -0 becomes 0, which is equal.
    u32 ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
    if (number != number) ordered = 0;
    return (u64)ordered << 32 | (u32)~place;
}

inline u32 place_of(u64 key) {
    return ~(u32)key;
}
