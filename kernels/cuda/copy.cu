// Rows of several tensors side by side in one, or the other way: gather and scatter along the batch axis, in one
// launch. And blocks of several tensors in turn in one: along another axis.
//
// Bytes: each once read and once written.
// Expected: 85 to 95 % of the memory's bandwidth, by 16 bytes at once; a tenth of it where a part lies at no multiple
//   of 16, which tensors that are allocated do not. Blocks by 4 bytes where they are multiples of no more: half of it.
// Full occupancy.
//   copy_blocks: 24 registers
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

// Blocks that lie one after the other, and in the target so many bytes apart.
struct Blocks {
    const u8* from;
    u8* to;
    u64 size_bytes, block_bytes, step_bytes;
};

const int TENSORS_MAX = 96;

struct Interleave {
    Blocks tensors[TENSORS_MAX];
};

template <typename T>
inline void interleave(const Blocks& it) {
    u64 first = (u64)blockIdx.x * THREADS + threadIdx.x, step = (u64)gridDim.x * THREADS;
    u64 length = it.block_bytes / sizeof(T), apart = it.step_bytes / sizeof(T);
    for (u64 at = first; at < it.size_bytes / sizeof(T); at += step) {
        // Division by 32 bits is much faster.
        u64 block = (at | length) >> 32 ? at / length : (u32)at / (u32)length;
        ((T*)it.to)[block * apart + (at - block * length)] = __ldg((const T*)it.from + at);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) copy_blocks(const __grid_constant__ Interleave all) {
    const Blocks& it = all.tensors[blockIdx.y];
    u64 bits = (u64)it.from | (u64)it.to | it.block_bytes | it.step_bytes;
    if (bits % sizeof(uint4) == 0) {
        interleave<uint4>(it);
    } else if (bits % sizeof(u32) == 0) {
        interleave<u32>(it);
    } else {
        interleave<u8>(it);
    }
}
