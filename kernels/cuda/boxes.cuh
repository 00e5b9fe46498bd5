// Boxes: left, top, right, bottom. Formulas: `cpu/refine.rs`.
#pragma once
#include "elements.cuh"

inline bool is_finite(float number) {
    return fabsf(number) < INFINITY;
}

inline bool is_finite(float4 box) {
    return is_finite(box.x) && is_finite(box.y) && is_finite(box.z) && is_finite(box.w);
}

// Each side moved by a share of the box's width or height.
inline float4 corrected(float4 box, float4 by) {
    float width = box.z - box.x, height = box.w - box.y;
    return make_float4(box.x + by.x * width, box.y + by.y * height, box.z + by.z * width, box.w + by.w * height);
}

// The square about its centre with its longer side.
inline float4 squared(float4 box) {
    float width = box.z - box.x, height = box.w - box.y, side = fmaxf(width, height);
    float left = box.x + width * 0.5f - side * 0.5f, top = box.y + height * 0.5f - side * 0.5f;
    return make_float4(left, top, left + side, top + side);
}
