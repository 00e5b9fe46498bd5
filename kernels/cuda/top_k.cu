// The largest numbers along an axis and where they are; with k of 1 it is the argmax.
//
// Formula: `cpu/top_k.rs`. The same bits.
// Bytes: 4 read a number, and 12 written a result.
// Expected: few, with k of 1, about 70 % of the memory's bandwidth along the last axis; a further reading comes from a
//   cache. Along another axis an eighth of it, as a line of memory has one number of each. Many compares each pair of
//   numbers, so it is bound by arithmetic: 8400 numbers are 71 million comparisons, 20 microseconds of a large GPU.
// Shared memory: 64 bytes; 2048 for 256 keys. Full occupancy.
//   top_k_few: 32 registers
//   top_k_many: 32 registers
#include "order.cuh"

const int THREADS = 256, LANES = 32;

struct TopK {
    const float* from;
    float* values;
    i64* indices;
    u32 length, k;
    // Elements behind the axis.
    u64 inner;
};

// Where a block's line starts, and where its results do.
struct Line {
    const float* from;
    u64 to;

    inline Line(const TopK& it, u32 line) {
        u64 outer = line / it.inner, inner = line - outer * it.inner;
        from = it.from + outer * it.length * it.inner + inner;
        to = outer * it.k * it.inner + inner;
    }
};

inline void put(const TopK& it, const Line& line, u32 rank, u32 place) {
    u64 to = line.to + rank * it.inner;
    it.values[to] = __ldg(line.from + place * it.inner);
    it.indices[to] = place;
}

// For few: a block reads its line once for each.
extern "C" __global__ void __launch_bounds__(THREADS) top_k_few(const __grid_constant__ TopK it) {
    __shared__ u64 partial[THREADS / LANES];
    Line line(it, blockIdx.x);
    u64 last = ~0ull;
    for (u32 rank = 0; rank < it.k; rank++) {
        u64 best = 0;
        for (u32 i = threadIdx.x; i < it.length; i += THREADS) {
            u64 key = key_of(__ldg(line.from + i * it.inner), i);
            if (key < last) best = max(best, key);
        }
        for (int apart = LANES / 2; apart > 0; apart /= 2) best = max(best, __shfl_xor_sync(~0u, best, apart));
        if (threadIdx.x % LANES == 0) partial[threadIdx.x / LANES] = best;
        __syncthreads();
        for (u32 warp = 0; warp < THREADS / LANES; warp++) best = max(best, partial[warp]);
        __syncthreads();
        if (threadIdx.x == 0) put(it, line, rank, place_of(best));
        last = best;
    }
}

// For many: each thread counts how many come before its element, which is its rank.
extern "C" __global__ void __launch_bounds__(THREADS) top_k_many(const __grid_constant__ TopK it) {
    __shared__ u64 keys[THREADS];
    Line line(it, blockIdx.y);
    u32 place = blockIdx.x * THREADS + threadIdx.x;
    bool is_inside = place < it.length;
    u64 own = is_inside ? key_of(__ldg(line.from + place * it.inner), place) : 0;
    u32 rank = 0;
    for (u32 start = 0; start < it.length; start += THREADS) {
        u32 i = start + threadIdx.x;
        keys[threadIdx.x] = i < it.length ? key_of(__ldg(line.from + i * it.inner), i) : 0;
        __syncthreads();
        for (u32 other = 0; other < THREADS; other++) rank += keys[other] > own;
        __syncthreads();
    }
    if (is_inside && rank < it.k) put(it, line, rank, place);
}
