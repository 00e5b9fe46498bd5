// Resizing by 2x2 pixels into a model's tensor, fused with crop, orientation, padding, colour order, normalisation,
// cast and layout. One launch draws a batch of pictures of different sizes; a thread draws a pixel in all channels.
//
// Formula: `cpu/resize.rs`, Filter::Bilinear. The same bits.
// Bytes: the rows of the source that are met, once; `channels * sizeof(T)` for each pixel of the canvas. 1280 x 720 to
//   640 x 640 in F32 is 2.8 MB + 4.9 MB.
// Expected: 60 to 80 % of the memory's bandwidth for F32 and F64; F16 and U8 are bound by their 12 loads of a byte a
//   pixel, which the first cache serves. Wider loads do not pay: neighbours are 3 bytes apart, and any distance after
//   scaling. What is transposed by its orientation reads a line for each pixel, of which the cache keeps the rest.
// Shared memory: the taps of a block's 32 columns and 8 rows, 320 bytes. Full occupancy.
//   resize_u8: 30 registers
//   resize_f16: 30 registers
//   resize_f32: 32 registers
//   resize_f64: 32 registers
#include "picture.cuh"
#include "taps.cuh"

const int COLUMNS = 32, ROWS = 8;

template <typename T>
struct Resize {
    T* target;
    Canvas canvas;
    Picture pictures[PICTURES_MAX];
};

template <typename T>
inline void resize(const Resize<T>& it) {
    // The division of a tap is done once for each column and row of a block.
    __shared__ Tap columns[COLUMNS], rows[ROWS];
    const Picture& picture = it.pictures[blockIdx.z];
    u32 x = blockIdx.x * COLUMNS + threadIdx.x, y = blockIdx.y * ROWS + threadIdx.y;
    bool is_covered = covers(picture, x, y);
    u32 column = x - picture.left + picture.first_column, row = y - picture.top + picture.first_row;
    if (threadIdx.y == 0 && picture.left <= x && x < picture.right) {
        columns[threadIdx.x] = tap(picture.width, picture.resized_width, column);
    }
    if (threadIdx.x == 0 && picture.top <= y && y < picture.bottom) {
        rows[threadIdx.y] = tap(picture.height, picture.resized_height, row);
    }
    __syncthreads();
    if (x >= it.canvas.width || y >= it.canvas.height) return;
    T* target = place(it.canvas, it.target, blockIdx.z, x, y);
    if (!is_covered) return draw_padding(it.canvas, target);
    Tap across = columns[threadIdx.x], down = rows[threadIdx.y];
    const u8* above = picture.red + down.first * picture.row_stride + across.first * picture.pixel_stride;
    // What has no weight need not be there.
    i64 right = across.weight > 0.0f ? picture.pixel_stride : 0;
    i64 below = down.weight > 0.0f ? picture.row_stride : 0;
    float color[3];
#pragma unroll
    for (int c = 0; c < 3; c++) {
        const u8* at = above + c * picture.channel_stride;
        float left_mixed = lerp(__ldg(at), __ldg(at + below), down.weight);
        float right_mixed = lerp(__ldg(at + right), __ldg(at + below + right), down.weight);
        color[c] = lerp(left_mixed, right_mixed, across.weight);
    }
    draw(it.canvas, target, color);
}

extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) resize_u8(const __grid_constant__ Resize<u8> it) {
    resize(it);
}
extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) resize_f16(const __grid_constant__ Resize<f16> it) {
    resize(it);
}
extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) resize_f32(const __grid_constant__ Resize<float> it) {
    resize(it);
}
extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) resize_f64(const __grid_constant__ Resize<double> it) {
    resize(it);
}
