// Which steps of a sequence are kept, of the largest number of each and its class, as `top_k.cu` gives them, and the
// mean of the numbers that are kept. A block has a sequence.
//
// Formula: `backends/postprocess/src/heads/ctc/decode.rs`. The same bits: one thread adds up, in the order of steps.
// Bytes: 20 read a step, and 4 written.
// Expected: bound by the sum: 2 microseconds for 100 steps, whatever the number of sequences up to that of
//   multiprocessors.
// Full occupancy, which does not matter.
//   collapse: 22 registers
#include "elements.cuh"

const int THREADS = 128;

struct Collapse {
    const float* numbers;
    const i64* classes;
    // The class of each step that is kept, and -1.
    int* kept;
    float* scores;
    u32 steps;
    int blank;
};

// A step of nothing but NaNs is a blank.
inline int class_of(const Collapse& it, u64 at) {
    float number = __ldg(it.numbers + at);
    return number == number ? (int)__ldg(it.classes + at) : it.blank;
}

extern "C" __global__ void __launch_bounds__(THREADS) collapse(const __grid_constant__ Collapse it) {
    u64 start = (u64)blockIdx.x * it.steps;
    for (u32 step = threadIdx.x; step < it.steps; step += THREADS) {
        int type = class_of(it, start + step), last = step > 0 ? class_of(it, start + step - 1) : it.blank;
        it.kept[start + step] = type != it.blank && type != last ? type : -1;
    }
    __syncthreads();
    if (threadIdx.x != 0) return;
    float sum = 0.0f, kept = 0.0f;
    for (u32 step = 0; step < it.steps; step++) {
        if (it.kept[start + step] != -1) sum = sum + __ldg(it.numbers + start + step), kept = kept + 1.0f;
    }
    it.scores[blockIdx.x] = kept == 0.0f ? 0.0f : sum / kept;
}
