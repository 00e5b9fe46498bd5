// Rows of several tensors side by side in one, or the other way: gather and scatter along the batch axis, in one
// launch.
//
// Bytes: each once read and once written.
// Expected: 85 to 95 % of the memory's bandwidth, by 16 bytes at once; a tenth of it where a part lies at no multiple
//   of 16, which tensors that are allocated do not.
// Full occupancy.
//   copy_parts: 28 registers
#include "elements.cuh"

const int PARTS_MAX = 160, THREADS = 256;

struct Part {
    const u8* from;
    u8* to;
    u64 size_bytes;
};

struct Copy {
    Part parts[PARTS_MAX];
};

extern "C" __global__ void __launch_bounds__(THREADS) copy_parts(const __grid_constant__ Copy it) {
    const Part& part = it.parts[blockIdx.y];
    u64 first = (u64)blockIdx.x * THREADS + threadIdx.x, step = (u64)gridDim.x * THREADS;
    // What lies at multiples of 16 is moved by so much, but for its end.
    u64 vectors = ((u64)part.from | (u64)part.to) % sizeof(uint4) == 0 ? part.size_bytes / sizeof(uint4) : 0;
    for (u64 at = first; at < vectors; at += step) {
        ((uint4*)part.to)[at] = __ldg((const uint4*)part.from + at);
    }
    for (u64 at = vectors * sizeof(uint4) + first; at < part.size_bytes; at += step) {
        part.to[at] = __ldg(part.from + at);
    }
}
