// What the kernels that draw pictures are told: `kernels/src/cuda/resize.rs` has the twin of each struct.
#pragma once
#include "elements.cuh"

// As many as fit the 4 KiB of a kernel's parameters.
const int PICTURES_MAX = 48;

// A picture, and where it is drawn. Strides are in bytes and may be negative, so that a crop, an orientation, planes,
// and the order of the bytes' colours are all told by them; a picture of one level has a channel stride of 0.
struct Picture {
    const u8* red;  // Of the first column of the first row.
    i64 pixel_stride, row_stride, channel_stride;
    // The size that it has, and the one that it is resized to.
    u32 width, height, resized_width, resized_height;
    // The columns and rows of the canvas that it covers, up to the second one, and which of its own is drawn first.
    u32 left, right, top, bottom, first_column, first_row;
    // Where its rows lie in the scratch memory of antialiasing, in elements.
    u64 scratch;
};

// Of all pictures of a launch. Means and scales are of red, green, blue. Strides are in elements.
struct Canvas {
    i64 channel_stride, row_stride, pixel_stride, picture_stride;
    u32 width, height;
    // 3, or 1 for the luma.
    u32 channels;
    float mean[3], scale[3], pad[3];
};

inline bool covers(const Picture& picture, u32 x, u32 y) {
    return picture.left <= x && x < picture.right && picture.top <= y && y < picture.bottom;
}

// Writes a pixel of the canvas: `color` is red, green, blue.
template <typename T>
inline void draw(const Canvas& canvas, T* target, const float color[3]) {
    if (canvas.channels == 1) {
        float luma = (color[0] * 0.299f + color[1] * 0.587f) + color[2] * 0.114f;
        store(target, (luma - canvas.mean[0]) * canvas.scale[0]);
        return;
    }
#pragma unroll
    for (int c = 0; c < 3; c++) {
        store(target + c * canvas.channel_stride, (color[c] - canvas.mean[c]) * canvas.scale[c]);
    }
}

template <typename T>
inline void draw_padding(const Canvas& canvas, T* target) {
    for (u32 c = 0; c < canvas.channels; c++) {
        store(target + c * canvas.channel_stride, canvas.pad[c]);
    }
}

// Where pixel (x, y) of picture `index` is drawn.
template <typename T>
inline T* place(const Canvas& canvas, T* target, u32 index, u32 x, u32 y) {
    return target + index * canvas.picture_stride + y * canvas.row_stride + x * canvas.pixel_stride;
}
