// Softmax along an axis.
//
// Formula: `cpu/softmax.rs`, which also has the order of the sum: 32 sums of every 32nd element, which are then added
//   by halves. The same bits, but for those of NaNs.
// Bytes: a number is read twice and its exponential three times, and written twice; but for the first of these, a row
//   comes from a cache. So 8 bytes a number go to and from memory.
// Expected: rows of thousands 40 to 60 % of the memory's bandwidth, where there are as many rows as blocks fit; the sum
//   has 32 threads and takes a third of the time. Columns about half, if there are 32 or more side by side.
// Shared memory: 36 bytes; 4096 for 32 sums of 32 columns. Full occupancy.
//   softmax_rows: 20 registers
//   softmax_columns: 32 registers
#include "exp.cuh"

const int LANES = 32, COLUMNS = 32, ROWS = 8, THREADS_MAX = 256;

struct Softmax {
    const float* from;
    float* to;
    u32 length;
    // Elements behind the axis.
    u32 inner;
};

inline float larger(float max, float x) {
    return x > max ? x : max;
}

// Where the axis is the last one, a block has a row of `length`; its threads are a multiple of 32.
extern "C" __global__ void __launch_bounds__(THREADS_MAX) softmax_rows(const __grid_constant__ Softmax it) {
    __shared__ float partial[THREADS_MAX / LANES];
    __shared__ float total;
    const float* from = it.from + (u64)blockIdx.x * it.length;
    float* to = it.to + (u64)blockIdx.x * it.length;
    float max = -INFINITY;
    for (u32 i = threadIdx.x; i < it.length; i += blockDim.x) max = larger(max, from[i]);
    for (int apart = LANES / 2; apart > 0; apart /= 2) max = larger(max, __shfl_xor_sync(~0u, max, apart));
    if (threadIdx.x % LANES == 0) partial[threadIdx.x / LANES] = max;
    __syncthreads();
    for (u32 warp = 0; warp < blockDim.x / LANES; warp++) max = larger(max, partial[warp]);
    for (u32 i = threadIdx.x; i < it.length; i += blockDim.x) to[i] = exponential(from[i] - max);
    __syncthreads();
    if (threadIdx.x < LANES) {
        float sum = 0.0f;
        for (u32 i = threadIdx.x; i < it.length; i += LANES) sum = sum + to[i];
        for (int apart = LANES / 2; apart > 0; apart /= 2) sum = sum + __shfl_down_sync(~0u, sum, apart);
        if (threadIdx.x == 0) total = sum;
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < it.length; i += blockDim.x) to[i] = to[i] / total;
}

// Where it is another, a block has 32 columns side by side, and each of its 8 rows of threads has 4 of a column's sums.
extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) softmax_columns(const __grid_constant__ Softmax it) {
    __shared__ float sums[LANES][COLUMNS];
    u32 x = threadIdx.x, row = threadIdx.y, column = blockIdx.x * COLUMNS + x;
    bool is_inside = column < it.inner;
    u64 start = (u64)blockIdx.y * it.length * it.inner + column;
    const float* from = it.from + start;
    float* to = it.to + start;
    float max = -INFINITY;
    for (u32 i = row; i < it.length && is_inside; i += ROWS) max = larger(max, from[(u64)i * it.inner]);
    sums[row][x] = max;
    __syncthreads();
    for (u32 i = 0; i < ROWS; i++) max = larger(max, sums[i][x]);
    __syncthreads();
    for (u32 lane = row; lane < LANES; lane += ROWS) {
        float sum = 0.0f;
        for (u32 i = lane; i < it.length && is_inside; i += LANES) {
            float e = exponential(from[(u64)i * it.inner] - max);
            to[(u64)i * it.inner] = e;
            sum = sum + e;
        }
        sums[lane][x] = sum;
    }
    for (u32 apart = LANES / 2; apart > 0; apart /= 2) {
        __syncthreads();
        for (u32 lane = row; lane < apart; lane += ROWS) sums[lane][x] = sums[lane][x] + sums[lane + apart][x];
    }
    __syncthreads();
    float total = sums[0][x];
    // Those that this thread wrote.
    for (u32 i = row; i < it.length && is_inside; i += ROWS) to[(u64)i * it.inner] = to[(u64)i * it.inner] / total;
}
