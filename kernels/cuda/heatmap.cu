// The hottest pixel of each map, in the picture's pixels. A block has a map.
//
// Formulas: `cpu/heatmap.rs` and `cpu/letterbox.rs`. The same bits.
// Bytes: each number once; 12 written a map.
// Expected: 70 to 85 % of the memory's bandwidth, if there are as many maps as multiprocessors: 17 maps of 64x48 are
//   209 KB, and bound by the launch.
// Shared memory: 64 bytes. Full occupancy.
//   peaks: 24 registers
#include "order.cuh"
#include "undo.cuh"

const int THREADS = 256, LANES = 32;

struct Heatmaps {
    const float* maps;
    float2* points;
    float* scores;
    Letterboxes by;
    // Maps of each picture, and their sides.
    u32 channels, width, height;
    // Whether a place is moved a quarter of a pixel towards the hotter neighbour.
    u32 is_refined;
    float stride;
};

// A NaN is neither hotter nor colder.
inline float shift(const float* map, u32 at, u32 step) {
    float before = map[at - step], after = map[at + step];
    return (float)((int)(after > before) - (int)(before > after)) * 0.25f;
}

extern "C" __global__ void __launch_bounds__(THREADS) peaks(const __grid_constant__ Heatmaps it) {
    __shared__ u64 partial[THREADS / LANES];
    u32 pixels = it.width * it.height;
    const float* map = it.maps + (u64)blockIdx.x * pixels;
    u64 best = 0;
    for (u32 at = threadIdx.x; at < pixels; at += THREADS) best = max(best, key_of(__ldg(map + at), at));
    for (int apart = LANES / 2; apart > 0; apart /= 2) best = max(best, __shfl_xor_sync(~0u, best, apart));
    if (threadIdx.x % LANES == 0) partial[threadIdx.x / LANES] = best;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (u32 warp = 0; warp < THREADS / LANES; warp++) best = max(best, partial[warp]);
    float2 place = make_float2(0.0f, 0.0f);
    float score = __uint_as_float(0x7fc00000u);
    // The upper half of a NaN's key is 0, and so is that of no key.
    if (best >> 32) {
        u32 at = place_of(best), x = at % it.width, y = at / it.width;
        place = make_float2((float)x, (float)y);
        if (it.is_refined && x > 0 && x + 1 < it.width) place.x = place.x + shift(map, at, 1);
        if (it.is_refined && y > 0 && y + 1 < it.height) place.y = place.y + shift(map, at, it.width);
        score = map[at];
    }
    it.points[blockIdx.x] = undo(it.by, blockIdx.x / it.channels, make_float2(place.x * it.stride, place.y * it.stride));
    it.scores[blockIdx.x] = score;
}
