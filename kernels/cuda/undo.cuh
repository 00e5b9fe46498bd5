// From the pixels of a model's input back to those of the picture. Formula: `cpu/letterbox.rs`.
#pragma once
#include "elements.cuh"

// Of each picture scale and offset, height and width; absent: places stay as they are, are not limited.
struct Letterboxes {
    const float4* transforms;
    const int2* sizes;
};

inline float limited(float place, float size) {
    place = place > 0.0f ? place : 0.0f;
    return place > size ? size : place;
}

inline float2 undo(const Letterboxes& by, u32 picture, float2 place) {
    if (by.transforms) {
        float4 it = __ldg(by.transforms + picture);
        place = make_float2((place.x - it.z) / it.x, (place.y - it.w) / it.y);
    }
    if (by.sizes) {
        int2 size = __ldg(by.sizes + picture);
        place = make_float2(limited(place.x, (float)size.y), limited(place.y, (float)size.x));
    }
    return place;
}

inline float4 undo(const Letterboxes& by, u32 picture, float4 box) {
    float2 first = undo(by, picture, make_float2(box.x, box.y)), last = undo(by, picture, make_float2(box.z, box.w));
    return make_float4(first.x, first.y, last.x, last.y);
}
