// The places of a net that slides over a picture, and boxes that a net has looked at, as candidates. As in
// `detection.cu`, what is none has the score NaN.
//
// Formulas: `cpu/refine.rs`. The same bits.
// Bytes: 4 read a place, of a line of memory that has its other classes, and 20 written; 36 read and 20 written a box.
// Expected: 60 to 80 % of the memory's bandwidth, as far as there are places to be busy with.
// Full occupancy.
//   score_places: 16 registers
//   score_corrected: 18 registers
#include "boxes.cuh"

const int THREADS = 256;

struct Places {
    const float* scores;
    float4* corners;
    float* kept_scores;
    // Places of all pictures, of one, and of a line of it.
    u64 count;
    u32 places, width;
    // Numbers of a place, and which of them is the score.
    u32 classes, type;
    float stride, cell, score_threshold;
};

extern "C" __global__ void __launch_bounds__(THREADS) score_places(const __grid_constant__ Places it) {
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= it.count) return;
    u32 place = at % it.places;
    float left = (float)(place % it.width) * it.stride, top = (float)(place / it.width) * it.stride;
    float score = __ldg(it.scores + (u64)at * it.classes + it.type);
    it.corners[at] = make_float4(left, top, left + it.cell, top + it.cell);
    it.kept_scores[at] = score > it.score_threshold ? score : NAN;
}

struct Corrected {
    const float4* boxes;
    const float* scores;
    // Absent: boxes stay as they are.
    const float4* corrections;
    float4* corners;
    float* kept_scores;
    u64 count;
    u32 classes, type;
    float score_threshold;
};

extern "C" __global__ void __launch_bounds__(THREADS) score_corrected(const __grid_constant__ Corrected it) {
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= it.count) return;
    float score = __ldg(it.scores + (u64)at * it.classes + it.type);
    float4 box = __ldg(it.boxes + at);
    bool is_candidate = score > it.score_threshold && is_finite(box);
    if (it.corrections) box = corrected(box, __ldg(it.corrections + at));
    it.corners[at] = box;
    it.kept_scores[at] = is_candidate && is_finite(box) ? score : NAN;
}
