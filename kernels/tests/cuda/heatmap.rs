//! The hottest pixels of maps.

use nereid_kernels::cpu::{Refinement, peak};
use nereid_kernels::cuda::{Maps, peaks};
use nereid_softcuda_harness::{Random, SoftCuda};

use crate::detection::Places;
use crate::gpu::Gpu;
use crate::softmax::bits;

#[test]
fn peaks_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        for seed in 0..24 {
            let mut random = Random::new(seed);
            let (pictures, channels) = (random.between(1, 2), random.between(1, 3));
            let (width, height) = (random.between(0, 24), random.between(0, 24));
            let pixels = width * height;
            let mut numbers = random.floats(pictures * channels * pixels, -4.0, 4.0);
            // So that several are as hot, some are NaNs, and one map has nothing else.
            let is_coarse = random.between(0, 1) == 1;
            for number in &mut numbers {
                if is_coarse {
                    *number = random.one_of(&[0.0, -0.0, 1.0, f32::NAN, f32::NEG_INFINITY]);
                }
            }
            numbers.iter_mut().take(pixels).for_each(|number| *number = f32::NAN);
            let refinement = random.one_of(&[Refinement::None, Refinement::Quarter]);
            let stride = random.float(0.5, 8.0);
            let back = Places::any(&gpu, &mut random, pictures);
            let all = pictures * channels;
            let memory = gpu.upload(&numbers);
            let (points, scores) = (gpu.output(8 * all), gpu.output(4 * all));
            let shape = [channels, height, width];
            let maps = Maps { numbers: memory.region(), pictures, shape };
            let to = (points.region(), scores.region());
            gpu.run(peaks(&maps, (refinement, stride), &back.back(), to).unwrap());
            let (mut places, mut heats) = (Vec::new(), Vec::new());
            for map in 0..all {
                let it = peak(&numbers[map * pixels..(map + 1) * pixels], width, refinement);
                let place = it.place.map(|place| place * stride);
                places.extend(back.letterboxes[map / channels].undo(place));
                heats.push(it.score);
            }
            assert_eq!(bits(&gpu.download::<f32>(points)), bits(&places), "seed {seed}");
            let heat: Vec<_> = gpu.download::<f32>(scores).iter().map(|it| it.to_bits()).collect();
            let wanted: Vec<_> = heats.iter().map(|it: &f32| it.to_bits()).collect();
            assert_eq!(heat, wanted, "seed {seed}");
        }
    });
}
