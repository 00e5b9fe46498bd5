// The axes of a tensor of four in another order. Elements are moved as they are.
//
// Formula: `cpu/transpose.rs`.
// Bytes: each element once read and once written.
// Expected: rows 80 to 90 % of the memory's bandwidth where they can be moved by 8 or 16 bytes, less by 1 or 2, each
//   with three divisions; tiles 70 to 80 % for elements of 4 and 8 bytes, half of it for bytes, of which a line of a
//   tile has 32.
// Shared memory: a tile and a column, up to 8448 bytes; that of 8 bytes leaves room for 7 blocks in 64 KiB (87 % of
//   2048 threads), all else has full occupancy.
//   transpose_rows_1: 26 registers
//   transpose_rows_2: 26 registers
//   transpose_rows_4: 26 registers
//   transpose_rows_8: 26 registers
//   transpose_rows_16: 26 registers
//   transpose_tiles_1: 32 registers
//   transpose_tiles_2: 32 registers
//   transpose_tiles_4: 32 registers
//   transpose_tiles_8: 32 registers
#include "elements.cuh"

const int TILE = 32, ROWS = 8, THREADS = 256;

// Where the last axis stays, rows are copied. All is in elements, which may be several of the tensor's: as wide as rows
// and addresses allow.
template <typename T>
struct Rows {
    const T* from;
    T* to;
    // Sizes of the result, and how far apart in the source its axes' elements are.
    u32 sizes[4];
    u64 strides[4];
};

template <typename T>
inline void transpose_rows(const Rows<T>& it) {
    u64 total = (u64)it.sizes[0] * it.sizes[1] * it.sizes[2] * it.sizes[3];
    for (u64 at = (u64)blockIdx.x * THREADS + threadIdx.x; at < total; at += (u64)gridDim.x * THREADS) {
        u64 rest = at, from = 0;
#pragma unroll
        for (int axis = 3; axis >= 0; axis--) {
            u64 next = rest / it.sizes[axis];
            from += (rest - next * it.sizes[axis]) * it.strides[axis];
            rest = next;
        }
        it.to[at] = it.from[from];
    }
}

// Where it does not, tiles of 32 x 32 are turned in shared memory, so that both reads and writes are of whole lines.
template <typename T>
struct Tiles {
    const T* from;
    T* to;
    // The last axis of the source, and the one that becomes the last.
    u32 columns, rows;
    // The other two.
    u32 sizes[2];
    u64 from_row_stride, to_column_stride, from_strides[2], to_strides[2];
};

template <typename T>
inline void transpose_tiles(const Tiles<T>& it) {
    // One more, so that a column's elements lie in different banks.
    __shared__ T tile[TILE][TILE + 1];
    u32 left = blockIdx.x * TILE, top = blockIdx.y * TILE;
    for (u64 at = blockIdx.z; at < (u64)it.sizes[0] * it.sizes[1]; at += gridDim.z) {
        u64 first = at / it.sizes[1], second = at - first * it.sizes[1];
        const T* from = it.from + first * it.from_strides[0] + second * it.from_strides[1];
        T* to = it.to + first * it.to_strides[0] + second * it.to_strides[1];
        u32 x = left + threadIdx.x;
        for (u32 j = threadIdx.y; j < TILE; j += ROWS) {
            if (x < it.columns && top + j < it.rows) tile[j][threadIdx.x] = from[(top + j) * it.from_row_stride + x];
        }
        __syncthreads();
        u32 y = top + threadIdx.x;
        for (u32 j = threadIdx.y; j < TILE; j += ROWS) {
            if (y < it.rows && left + j < it.columns) to[(left + j) * it.to_column_stride + y] = tile[threadIdx.x][j];
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) transpose_rows_1(const __grid_constant__ Rows<u8> it) {
    transpose_rows(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_rows_2(const __grid_constant__ Rows<u16> it) {
    transpose_rows(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_rows_4(const __grid_constant__ Rows<u32> it) {
    transpose_rows(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_rows_8(const __grid_constant__ Rows<u64> it) {
    transpose_rows(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_rows_16(const __grid_constant__ Rows<uint4> it) {
    transpose_rows(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_tiles_1(const __grid_constant__ Tiles<u8> it) {
    transpose_tiles(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_tiles_2(const __grid_constant__ Tiles<u16> it) {
    transpose_tiles(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_tiles_4(const __grid_constant__ Tiles<u32> it) {
    transpose_tiles(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) transpose_tiles_8(const __grid_constant__ Tiles<u64> it) {
    transpose_tiles(it);
}
