// Antialiased resizing in two passes: along y into scratch memory, then along x into a model's tensor, fused with
// padding, colour order, normalisation, cast and layout. The CPU does the same two. An axis that does not shrink is
// resized by two pixels. Crop and orientation are in the strides of the first pass.
//
// Formula: `cpu/resize.rs`, Filter::Triangle. The same bits.
// Bytes: down reads the source once (a level is met by the rows of two blocks, the second time from a cache), and
//   writes 4 bytes for each level of its width in each row that is drawn; across reads these and writes the canvas.
//   1280 x 720 to 640 x 640 is 2.8 MB, 9.8 MB twice, and 4.9 MB in F32.
// Expected: down 50 to 70 % of the memory's bandwidth, threads side by side read bytes side by side; across about 50 %,
//   bound by the loads of its taps, of which the first cache has most.
// Shared memory: 256 weights of a row, 1024 bytes; the triangles of 32 columns and 8 weights of each, 2304 bytes. A
//   weight is a division, so a block divides it once. Full occupancy; across 75 % where a multiprocessor has 2048
//   threads.
//   antialias_down: 32 registers
//   antialias_across_u8: 40 registers
//   antialias_across_f16: 40 registers
//   antialias_across_f32: 40 registers
//   antialias_across_f64: 40 registers
#include "picture.cuh"
#include "taps.cuh"

const int THREADS = 256, COLUMNS = 32, ROWS = 8;

inline u32 channels(const Picture& picture) {
    return picture.channel_stride == 0 ? 1 : 3;
}

struct Down {
    // Of each picture as many rows as are drawn, of as many pixels as it has; interleaved.
    float* scratch;
    Picture pictures[PICTURES_MAX];
};

// A block makes part of a row, so all of its threads have the same weights: each is divided once.
extern "C" __global__ void __launch_bounds__(THREADS) antialias_down(const __grid_constant__ Down it) {
    __shared__ float weights[THREADS];
    const Picture& picture = it.pictures[blockIdx.z];
    u32 count = channels(picture), length = picture.width * count;
    u32 at = blockIdx.x * THREADS + threadIdx.x, row = blockIdx.y + picture.first_row;
    if (blockIdx.y >= picture.bottom - picture.top || blockIdx.x * THREADS >= length) return;
    bool is_inside = at < length;
    const u8* source = picture.red + at / count * picture.pixel_stride + at % count * picture.channel_stride;
    float level = 0.0f;
    if (picture.resized_height < picture.height) {
        Triangle triangle(picture.height, picture.resized_height, row);
        source += triangle.first * picture.row_stride;
        for (u32 start = 0; start < triangle.count; start += THREADS) {
            u32 left = min(triangle.count - start, THREADS);
            if (threadIdx.x < left) weights[threadIdx.x] = triangle.weight(start + threadIdx.x);
            __syncthreads();
            for (u32 k = 0; k < left && is_inside; k++) {
                level = level + (float)__ldg(source) * weights[k];
                source += picture.row_stride;
            }
            __syncthreads();
        }
    } else if (is_inside) {
        Tap down = tap(picture.height, picture.resized_height, row);
        source += down.first * picture.row_stride;
        level = lerp(__ldg(source), __ldg(source + (down.weight > 0.0f ? picture.row_stride : 0)), down.weight);
    }
    if (is_inside) it.scratch[picture.scratch + (u64)blockIdx.y * length + at] = level;
}

template <typename T>
struct Across {
    T* target;
    Canvas canvas;
    const float* scratch;
    Picture pictures[PICTURES_MAX];
};

// Of each column of a block, shared by its rows.
struct Columns {
    Triangle* triangles;
    float (*weights)[COLUMNS];
};

// All threads of a block must call this: those that draw nothing have `is_covered` false.
inline void sum_triangle(const Picture& picture, Columns columns, bool is_covered, const float* row, float color[3]) {
    u32 count = channels(picture), x = threadIdx.x;
    u32 column = blockIdx.x * COLUMNS + x - picture.left + picture.first_column;
    bool is_column = column - picture.first_column < picture.right - picture.left;
    Triangle& triangle = columns.triangles[x];
    if (threadIdx.y == 0) {
        triangle = Triangle(picture.width, picture.resized_width, is_column ? column : picture.first_column);
    }
    __syncthreads();
    // No column reaches more.
    u32 taps_max = 2 * picture.width / picture.resized_width + 2;
    const float* source = row + (u64)triangle.first * count;
    for (u32 start = 0; start < taps_max; start += ROWS) {
        u32 k = start + threadIdx.y;
        if (k < triangle.count) columns.weights[threadIdx.y][x] = triangle.weight(k);
        __syncthreads();
        for (u32 tap = 0; tap < ROWS && start + tap < triangle.count && is_covered; tap++) {
            float weight = columns.weights[tap][x];
#pragma unroll
            for (int c = 0; c < 3; c++) {
                color[c] = color[c] + __ldg(source + (count == 1 ? 0 : c)) * weight;
            }
            source += count;
        }
        __syncthreads();
    }
}

template <typename T>
inline void across(const Across<T>& it) {
    __shared__ __align__(8) char triangles[COLUMNS * sizeof(Triangle)];
    __shared__ float weights[ROWS][COLUMNS];
    const Picture& picture = it.pictures[blockIdx.z];
    u32 x = blockIdx.x * COLUMNS + threadIdx.x, y = blockIdx.y * ROWS + threadIdx.y;
    bool is_covered = covers(picture, x, y);
    u32 count = channels(picture);
    const float* row = it.scratch + picture.scratch + (u64)(is_covered ? y - picture.top : 0) * picture.width * count;
    float color[3] = {0.0f, 0.0f, 0.0f};
    if (picture.resized_width < picture.width) {
        sum_triangle(picture, {(Triangle*)triangles, weights}, is_covered, row, color);
    } else if (is_covered) {
        Tap tapped = tap(picture.width, picture.resized_width, x - picture.left + picture.first_column);
        const float* left = row + (u64)tapped.first * count;
        const float* right = left + (tapped.weight > 0.0f ? count : 0);
#pragma unroll
        for (int c = 0; c < 3; c++) {
            u32 channel = count == 1 ? 0 : c;
            color[c] = lerp(__ldg(left + channel), __ldg(right + channel), tapped.weight);
        }
    }
    if (x >= it.canvas.width || y >= it.canvas.height) return;
    T* target = place(it.canvas, it.target, blockIdx.z, x, y);
    if (!is_covered) return draw_padding(it.canvas, target);
    draw(it.canvas, target, color);
}

extern "C" __global__ void __launch_bounds__(THREADS) antialias_across_u8(const __grid_constant__ Across<u8> it) {
    across(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) antialias_across_f16(const __grid_constant__ Across<f16> it) {
    across(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) antialias_across_f32(const __grid_constant__ Across<float> it) {
    across(it);
}
extern "C" __global__ void __launch_bounds__(THREADS) antialias_across_f64(const __grid_constant__ Across<double> it) {
    across(it);
}
