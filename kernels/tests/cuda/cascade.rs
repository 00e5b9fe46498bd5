//! The nets of a cascade: places and corrected boxes as candidates.

use nereid_kernels::cpu::{Candidate, Corrections, Grid};
use nereid_kernels::cuda::{Candidates, Scores, score_corrected, score_places};
use nereid_softcuda_harness::{Random, SoftCuda};

use crate::gpu::{Gpu, Output};

/// The candidates in device memory, of pictures of `places`: which, where, how sure, as bits.
fn found(
    gpu: &Gpu,
    places: usize,
    (corners, scores): (Output, Output),
) -> Vec<(usize, [u32; 4], u32)> {
    let corners = gpu.download::<[f32; 4]>(corners);
    let all = corners.into_iter().zip(gpu.download::<f32>(scores)).enumerate();
    let sure = all.filter(|(_, (_, score))| !score.is_nan());
    sure.map(|(at, (corners, score))| bits(at % places, corners, score)).collect()
}

fn bits(index: usize, corners: [f32; 4], score: f32) -> (usize, [u32; 4], u32) {
    (index, corners.map(f32::to_bits), score.to_bits())
}

fn expected(candidates: &[Candidate]) -> Vec<(usize, [u32; 4], u32)> {
    candidates.iter().map(|it| bits(it.index, it.corners, it.score)).collect()
}

#[test]
fn places_of_a_net_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        for seed in 0..12 {
            let mut random = Random::new(seed);
            let (width, height, classes) =
                (random.between(1, 30), random.between(1, 20), random.between(1, 3));
            let (class, threshold) = (random.between(0, classes - 1), random.float(0.0, 1.0));
            let places = width * height;
            let mut numbers = random.floats(2 * places * classes, 0.0, 1.0);
            numbers[class] = f32::NAN;
            let grid = Grid { stride: random.float(0.5, 4.0), cell: random.float(1.0, 20.0) };
            let (memory, corners, kept) =
                (gpu.upload(&numbers), gpu.output(32 * places), gpu.output(8 * places));
            let scores = Scores { numbers: memory.region(), classes, class, threshold };
            let candidates = Candidates { corners: corners.region(), scores: kept.region() };
            let launch = score_places(grid, &scores, (2, (width, height)), &candidates);
            gpu.run(launch.unwrap());
            let pictures = numbers.chunks(places * classes);
            let wanted: Vec<_> = pictures
                .flat_map(|numbers| grid.candidates(numbers, (width, classes), (class, threshold)))
                .collect();
            assert_eq!(found(&gpu, places, (corners, kept)), expected(&wanted), "seed {seed}");
        }
    });
}

#[test]
fn corrected_boxes_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        for seed in 20..32 {
            let mut random = Random::new(seed);
            let (count, classes) = (random.between(1, 300), random.between(1, 3));
            let (class, threshold) = (random.between(0, classes - 1), random.float(0.0, 1.0));
            let mut boxes = random.floats(4 * count, -9.0, 9.0);
            boxes[0] = f32::INFINITY;
            let mut shares = random.floats(4 * count, -2.0, 2.0);
            shares.iter_mut().step_by(9).for_each(|share| *share = f32::NAN);
            let numbers = random.floats(count * classes, 0.0, 1.0);
            let (boxes_in, shares_in, numbers_in) =
                (gpu.upload(&boxes), gpu.upload(&shares), gpu.upload(&numbers));
            let is_corrected = seed % 2 == 0;
            let (corners, kept) = (gpu.output(16 * count), gpu.output(4 * count));
            let scores = Scores { numbers: numbers_in.region(), classes, class, threshold };
            let candidates = Candidates { corners: corners.region(), scores: kept.region() };
            let by = is_corrected.then(|| shares_in.region());
            gpu.run(score_corrected(boxes_in.region(), &scores, by, &candidates).unwrap());
            let boxes = boxes.as_chunks::<4>().0.iter().zip(numbers.chunks(classes)).enumerate();
            let mut wanted: Vec<_> = boxes
                .map(|(index, (&corners, numbers))| Candidate {
                    corners,
                    score: numbers[class],
                    class: 0,
                    index,
                })
                .filter(|it| it.score > threshold && it.corners.iter().all(|x| x.is_finite()))
                .collect();
            if is_corrected {
                Corrections(shares.as_chunks().0).apply(&mut wanted);
            }
            assert_eq!(found(&gpu, count, (corners, kept)), expected(&wanted), "seed {seed}");
        }
    });
}
