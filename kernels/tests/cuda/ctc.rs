//! Which steps of a sequence are kept.

use nereid_kernels::cpu::{self, AxisView};
use nereid_kernels::cuda::{Sequences, collapse, top_k};
use nereid_softcuda_harness::{Random, SoftCuda};

use crate::gpu::Gpu;
use crate::softmax::bits;

fn class(at: usize) -> i32 {
    i32::try_from(at).unwrap()
}

/// As the definition says: no blank, and no repetition.
fn kept(row: &[f32], classes: usize, blank: i32) -> (Vec<i32>, f32) {
    let (mut kept, mut last, mut sum, mut count) = (Vec::new(), blank, 0.0, 0.0_f32);
    for step in row.chunks(classes) {
        let (class, number) = cpu::argmax(step).map_or((blank, 0.0), |(at, it)| (class(at), it));
        let is_kept = class != blank && class != last;
        kept.push(if is_kept { class } else { -1 });
        if is_kept {
            (sum, count) = (sum + number, count + 1.0);
        }
        last = class;
    }
    (kept, if count == 0.0 { 0.0 } else { sum / count })
}

#[test]
fn best_paths_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        for seed in 0..16 {
            let mut random = Random::new(seed);
            let (rows, steps, classes) =
                (random.between(1, 3), random.between(0, 300), random.between(2, 4));
            let blank = random.between(0, classes - 1);
            let mut numbers = random.floats(rows * steps * classes, 0.0, 1.0);
            for step in numbers.chunks_mut(classes) {
                if random.between(0, 9) == 0 {
                    step.fill(f32::NAN);
                }
            }
            let view = AxisView { outer: rows * steps, length: classes, inner: 1 };
            let (values, indices) = (gpu.output(4 * rows * steps), gpu.output(8 * rows * steps));
            let memory = gpu.upload(&numbers);
            gpu.run(top_k(memory.region(), view, 1, (values.region(), indices.region())).unwrap());
            let (labels, scores) = (gpu.output(4 * rows * steps), gpu.output(4 * rows));
            let (numbers_in, classes_in) = (values.region(), indices.region());
            let sequences = Sequences { rows, steps, numbers: numbers_in, classes: classes_in };
            let memory = (labels.region(), scores.region());
            gpu.run(collapse(&sequences, blank, memory).unwrap());
            let row = |row: usize| {
                let size = steps * classes;
                kept(&numbers[row * size..(row + 1) * size], classes, class(blank))
            };
            let (wanted, means): (Vec<_>, Vec<_>) = (0..rows).map(row).unzip();
            assert_eq!(gpu.download::<i32>(labels), wanted.concat(), "seed {seed}");
            assert_eq!(bits(&gpu.download::<f32>(scores)), bits(&means), "seed {seed}");
        }
    });
}
