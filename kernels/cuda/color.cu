// From planes of luma and halved chroma to interleaved RGB: NV12 of video, and the YCbCr 4:2:0 of JPEG. One launch for
// a batch of pictures of different sizes.
//
// Formulas: `cpu/nv12.rs` and `cpu/ycbcr.rs`, in whole numbers. The same bits.
// Bytes: 1.5 read and 3 written a pixel; 1920 x 1080 is 9.3 MB.
// Expected: about half of the memory's bandwidth, bound by stores of a byte, which the second cache joins to lines.
//   Wider ones would need widths that are multiples of 4, which JPEG's need not be.
// Full occupancy.
//   nv12_to_rgb: 28 registers
//   ycbcr420_to_rgb: 26 registers
#include "elements.cuh"

const int PLANES_MAX = 80, COLUMNS = 32, ROWS = 8;

// A picture. Strides are in bytes; the one of `rgb` is three times the width.
struct Planes {
    const u8 *luma, *blue, *red;
    u8* rgb;
    u32 luma_stride, chroma_stride, width, height;
};

struct Convert {
    Planes pictures[PLANES_MAX];
};

inline u8 clamped(int level) {
    return (u8)min(max(level, 0), 255);
}

// Studio range by ITU-R BT.601.
struct Video {
    static const int CHROMA_STEP = 2;
    static inline void convert(u8 luma, int blue, int red, u8* rgb) {
        int y = 76309 * max((int)luma - 16, 0) + 32768;
        rgb[0] = clamped((y + 104597 * red) >> 16);
        rgb[1] = clamped((y - 53279 * red - 25675 * blue) >> 16);
        rgb[2] = clamped((y + 132201 * blue) >> 16);
    }
};

// Full range by JFIF.
struct Jpeg {
    static const int CHROMA_STEP = 1;
    static inline void convert(u8 luma, int blue, int red, u8* rgb) {
        int y = 65536 * (int)luma + 32768;
        rgb[0] = clamped((y + 91881 * red) >> 16);
        rgb[1] = clamped((y - 22554 * blue - 46802 * red) >> 16);
        rgb[2] = clamped((y + 116130 * blue) >> 16);
    }
};

// A thread makes the 2x2 pixels that share a pair of chroma.
template <typename Standard>
inline void convert(const Convert& it) {
    const Planes& picture = it.pictures[blockIdx.z];
    u32 column = blockIdx.x * COLUMNS + threadIdx.x, row = blockIdx.y * ROWS + threadIdx.y;
    u32 x = 2 * column, y = 2 * row;
    if (x >= picture.width || y >= picture.height) return;
    u64 chroma = (u64)row * picture.chroma_stride + column * Standard::CHROMA_STEP;
    int blue = __ldg(picture.blue + chroma) - 128, red = __ldg(picture.red + chroma) - 128;
    for (u32 below = y; below < min(y + 2, picture.height); below++) {
        for (u32 right = x; right < min(x + 2, picture.width); right++) {
            u8* rgb = picture.rgb + 3 * ((u64)below * picture.width + right);
            Standard::convert(__ldg(picture.luma + (u64)below * picture.luma_stride + right), blue, red, rgb);
        }
    }
}

extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) nv12_to_rgb(const __grid_constant__ Convert it) {
    convert<Video>(it);
}
extern "C" __global__ void __launch_bounds__(COLUMNS * ROWS) ycbcr420_to_rgb(const __grid_constant__ Convert it) {
    convert<Jpeg>(it);
}
