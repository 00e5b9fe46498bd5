// How pictures were brought into a model's input, as requests say it, and what is wrong with what they say: a row's
// faults, each a bit, which the host looks at when it answers.
//
// Formula: `backends/postprocess/src/letterbox.rs`.
// Bytes: at most 40 read a row, and 28 written; 8 read and 4 written a class.
// Expected: bound by the launch.
// Full occupancy, which does not matter.
//   narrow_classes: 11 registers
//   read_letterboxes: 20 registers
#include "boxes.cuh"

const int THREADS = 256;

// Faults.
const int BAD_SIZE = 1, BAD_TRANSFORM = 2, BAD_CLASS = 4;

struct Letterboxes {
    // Of each row; absent: 1, and 0. What the transforms say comes before the others.
    const float4* transforms;
    const float2* scales;
    const float2* offsets;
    // Height and width, of 32 or of 64 bits.
    const void* sizes;
    float4* read_transforms;
    // Absent if the sizes are.
    int2* read_sizes;
    int* faults;
    u32 rows, is_wide;
};

inline bool is_side(i64 side) {
    return side >= 0 && side <= 65535;
}

extern "C" __global__ void __launch_bounds__(THREADS) read_letterboxes(const __grid_constant__ Letterboxes it) {
    u32 row = blockIdx.x * THREADS + threadIdx.x;
    if (row >= it.rows) return;
    int fault = 0;
    float4 by = make_float4(1.0f, 1.0f, 0.0f, 0.0f);
    if (it.scales) by.x = it.scales[row].x, by.y = it.scales[row].y;
    if (it.offsets) by.z = it.offsets[row].x, by.w = it.offsets[row].y;
    if (it.transforms) by = it.transforms[row];
    if (!(by.x > 0.0f && by.y > 0.0f && is_finite(by))) fault |= BAD_TRANSFORM;
    it.read_transforms[row] = by;
    if (it.sizes) {
        i64 height, width;
        if (it.is_wide) {
            height = ((const i64*)it.sizes)[2 * row], width = ((const i64*)it.sizes)[2 * row + 1];
        } else {
            int2 size = ((const int2*)it.sizes)[row];
            height = size.x, width = size.y;
        }
        if (!is_side(height) || !is_side(width)) fault |= BAD_SIZE;
        it.read_sizes[row] = make_int2((int)height, (int)width);
    }
    if (fault) atomicOr(&it.faults[row], fault);
}

// Classes of 64 bits, of which 32 are enough where there is a candidate.
struct Narrow {
    const i64* classes;
    const float* scores;
    int* narrow;
    int* faults;
    u64 count;
    // Of each row.
    u32 places;
};

extern "C" __global__ void __launch_bounds__(THREADS) narrow_classes(const __grid_constant__ Narrow it) {
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= it.count) return;
    i64 type = __ldg(it.classes + at);
    float score = __ldg(it.scores + at);
    it.narrow[at] = (int)type;
    if ((int)type != type && score == score) atomicOr(&it.faults[at / it.places], BAD_CLASS);
}
