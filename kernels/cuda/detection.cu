// From a detector's output to candidates. Every place gets a line of the result; one that is no candidate gets the
// score NaN, which orders last, and class -1. So nothing has to be counted, and the order of candidates is that of
// places.
//
// Formula: `cpu/detection.rs`. The same bits.
// Bytes: all numbers once, and 24 written a place. 84 numbers of 8400 places are 3.0 MB.
// Expected: 70 to 80 % of the memory's bandwidth for [numbers, places], as far as there are places to be busy with; for
//   [places, numbers] about half, as the first cache has to keep the lines of 32 places at a time.
// Boxes are written, and read where they are decoded already, by 16 bytes. Full occupancy.
//   decode_detections: 32 registers
//   score_boxes: 16 registers
#include "boxes.cuh"
#include "exp.cuh"

const int THREADS = 256;

// Flags.
const u32 IS_CORNERS = 1, HAS_OBJECTNESS = 2, IS_LOGIT = 4;

struct Decode {
    const float* numbers;
    // Left, top, right, bottom.
    float4* corners;
    float* scores;
    int* classes;
    // Of each picture. Number n of place p is at n * number_stride + p * place_stride.
    u32 places, class_count;
    u64 number_stride, place_stride, picture_stride;
    u32 flags;
    float score_threshold, coordinate_scale[2];
};

inline float4 corners_of(u32 flags, float a, float b, float c, float d) {
    if (flags & IS_CORNERS) return make_float4(a, b, c, d);
    return make_float4(a - c * 0.5f, b - d * 0.5f, a + c * 0.5f, b + d * 0.5f);
}

inline float activated(u32 flags, float number) {
    return flags & IS_LOGIT ? sigmoid(number) : number;
}

extern "C" __global__ void __launch_bounds__(THREADS) decode_detections(const __grid_constant__ Decode it) {
    u32 place = blockIdx.x * THREADS + threadIdx.x;
    if (place >= it.places) return;
    const float* numbers = it.numbers + blockIdx.y * it.picture_stride + place * it.place_stride;
    u32 first = it.flags & HAS_OBJECTNESS ? 5 : 4;
    float best = -INFINITY;
    int best_class = 0;
    for (u32 i = 0; i < it.class_count; i++) {
        float number = __ldg(numbers + (first + i) * it.number_stride);
        if (number > best) best_class = i, best = number;
    }
    float score = activated(it.flags, best);
    if (it.flags & HAS_OBJECTNESS) score = activated(it.flags, __ldg(numbers + 4 * it.number_stride)) * score;
    float part[4];
#pragma unroll
    for (int i = 0; i < 4; i++) part[i] = __ldg(numbers + i * it.number_stride);
    float4 box = corners_of(it.flags, part[0], part[1], part[2], part[3]);
    float x = it.coordinate_scale[0], y = it.coordinate_scale[1];
    box = make_float4(box.x * x, box.y * y, box.z * x, box.w * y);
    bool is_candidate = best != -INFINITY && score > it.score_threshold && is_finite(box);
    u64 to = (u64)blockIdx.y * it.places + place;
    it.corners[to] = box;
    it.scores[to] = is_candidate ? score : NAN;
    it.classes[to] = is_candidate ? best_class : -1;
}

// Boxes that are decoded already.
struct Score {
    const float4* boxes;
    const float* scores;
    float4* corners;
    float* kept_scores;
    u64 count;
    u32 flags;
    float score_threshold;
};

extern "C" __global__ void __launch_bounds__(THREADS) score_boxes(const __grid_constant__ Score it) {
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= it.count) return;
    float4 given = __ldg(it.boxes + at), box = corners_of(it.flags, given.x, given.y, given.z, given.w);
    float score = __ldg(it.scores + at);
    it.corners[at] = box;
    it.kept_scores[at] = score > it.score_threshold && is_finite(box) ? score : NAN;
}
