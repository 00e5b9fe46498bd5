// Greedy non-maximum suppression, and the way back to the pixels of the picture. A block has a picture: it looks for
// the next that is not crossed out, which all threads find alike, and crosses out what that one suppresses.
//
// Formulas: `cpu/nms.rs`, `cpu/refine.rs` and `cpu/letterbox.rs`. The same bits.
// Bytes: 28 for each candidate behind one that is kept, from a cache after the first time; 28 written for each that is
//   kept.
// Expected: bound by two barriers for each that is kept, and by candidates / 256 steps between them: 300 kept of 4096
//   take about 0.2 ms, whatever the number of pictures up to that of multiprocessors.
// Shared memory: a mark for each candidate, 8200 bytes. Full occupancy, which does not matter.
//   suppress: 31 registers
#include "boxes.cuh"
#include "undo.cuh"

const int THREADS = 256, CANDIDATES_MAX = 1 << 16, WORD = 32;

struct Suppress {
    // Of each picture `places` candidates, and `candidates` of them by falling score: places and scores. The first
    // score that is a NaN ends them.
    const float4* corners;
    const int* classes;  // Absent: all are 0.
    const i64* order;
    const float* scores;
    // Of each candidate, by which the kept ones are corrected, and then dropped if they are not finite; absent: none is.
    const float4* corrections;
    Letterboxes by;
    // Of each picture `detections_max`; what is not found is 0, and -1.
    float4* kept_boxes;
    float* kept_scores;
    int* kept_classes;
    i64* kept_places;
    int* counts;
    u32 places, candidates, detections_max;
    // Whether boxes of different classes suppress each other, and whether overlaps are of the smaller box.
    u32 is_of_all_classes, is_of_smaller;
    // Whether the kept ones become squares.
    u32 is_square;
    float iou_threshold;
};

inline float area(float4 box) {
    return (box.z - box.x) * (box.w - box.y);
}

inline float overlap(bool is_of_smaller, float4 one, float4 two) {
    float width = fmaxf(fminf(one.z, two.z) - fmaxf(one.x, two.x), 0.0f);
    float height = fmaxf(fminf(one.w, two.w) - fmaxf(one.y, two.y), 0.0f);
    float both = width * height;
    if (is_of_smaller) return both / fminf(area(one), area(two));
    return both / (area(one) + area(two) - both);
}

struct Object {
    float4 box;
    float score;
    int type;
    u32 place;
};

// Appends one that is kept to the `written` ones of a picture, corrected and in the picture's pixels, unless its box is
// not finite then.
inline void put(const Suppress& it, u32 picture, u32& written, Object object) {
    if (it.corrections) {
        object.box = corrected(object.box, __ldg(it.corrections + (u64)picture * it.places + object.place));
        if (!is_finite(object.box)) return;
    }
    if (it.is_square) object.box = squared(object.box);
    u64 to = (u64)picture * it.detections_max + written;
    it.kept_boxes[to] = undo(it.by, picture, object.box);
    it.kept_scores[to] = object.score;
    it.kept_classes[to] = object.type;
    it.kept_places[to] = object.place;
    written++;
}

// The first bit of `gone` that is 0, from `at` on and below `end`; otherwise `end`.
inline u32 next(const u32* gone, u32 at, u32 end) {
    while (at < end) {
        u32 left = ~gone[at / WORD] >> at % WORD;
        if (left != 0) return min(at + (u32)__clz(__brev(left)), end);
        at = (at / WORD + 1) * WORD;
    }
    return end;
}

extern "C" __global__ void __launch_bounds__(THREADS) suppress(const __grid_constant__ Suppress it) {
    __shared__ u32 gone[CANDIDATES_MAX / WORD];
    __shared__ u32 end, written;
    u32 picture = blockIdx.x;
    const float4* corners = it.corners + (u64)picture * it.places;
    const int* classes = it.classes ? it.classes + (u64)picture * it.places : 0;
    const i64* order = it.order + (u64)picture * it.candidates;
    const float* scores = it.scores + (u64)picture * it.candidates;
    u64 to = (u64)picture * it.detections_max;
    for (u32 word = threadIdx.x; word < (it.candidates + WORD - 1) / WORD; word += THREADS) gone[word] = 0;
    if (threadIdx.x == 0) end = it.candidates, written = 0;
    __syncthreads();
    for (u32 i = threadIdx.x; i < it.candidates; i += THREADS) {
        if (scores[i] != scores[i]) {
            atomicMin(&end, i);
            break;
        }
    }
    __syncthreads();
    u32 kept = 0, count = end;
    for (u32 at = next(gone, 0, count); at < count && kept < it.detections_max; at = next(gone, at + 1, count)) {
        u32 place = (u32)order[at];
        float4 box = corners[place];
        int type = classes ? classes[place] : 0;
        if (threadIdx.x == 0) put(it, picture, written, {box, scores[at], type, place});
        kept++;
        // All have found this one before any is crossed out.
        __syncthreads();
        for (u32 i = at + 1 + threadIdx.x; i < count; i += THREADS) {
            u32 other = (u32)order[i];
            bool may_be_same = it.is_of_all_classes || !classes || classes[other] == type;
            if (may_be_same && overlap(it.is_of_smaller, box, corners[other]) > it.iou_threshold) {
                atomicOr(&gone[i / WORD], 1u << i % WORD);
            }
        }
        __syncthreads();
    }
    __syncthreads();
    if (threadIdx.x == 0) it.counts[picture] = written;
    for (u32 i = written + threadIdx.x; i < it.detections_max; i += THREADS) {
        it.kept_boxes[to + i] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        it.kept_scores[to + i] = 0.0f;
        it.kept_classes[to + i] = -1;
        it.kept_places[to + i] = -1;
    }
}
