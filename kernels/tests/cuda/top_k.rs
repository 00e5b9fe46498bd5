//! The largest numbers along any axis.

use nereid_kernels::cpu::{self, AxisView};
use nereid_kernels::cuda::top_k;
use nereid_softcuda_harness::{AnyCuda, Random};

use crate::gpu::Gpu;
use crate::softmax::bits;

fn check(gpu: &Gpu, numbers: &[f32], view: AxisView, k: usize) {
    let expected = cpu::top_k(numbers, view, k);
    let count = expected.values.len();
    let (values, indices) = (gpu.output(4 * count), gpu.output(8 * count));
    let from = gpu.upload(numbers);
    let memory = (values.region(), indices.region());
    gpu.run(top_k(from.region(), view, k, memory).unwrap());
    let indices: Vec<_> =
        gpu.download::<i64>(indices).into_iter().map(|at| usize::try_from(at).unwrap()).collect();
    assert_eq!(indices, expected.indices, "{view:?} {k} of {numbers:?}");
    assert_eq!(bits(&gpu.download::<f32>(values)), bits(&expected.values), "{view:?} {k}");
}

#[test]
fn few_and_many() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(9));
        for (outer, length, inner) in [(2, 1, 1), (1, 5, 3), (2, 300, 1), (1, 257, 2), (3, 18, 2)] {
            let view = AxisView { outer, length, inner };
            let numbers = random.floats(outer * length * inner, -5.0, 5.0);
            for k in [1, 2, 5, 16, 17, 256, 300, 1000] {
                check(&gpu, &numbers, view, k);
            }
        }
    });
}

#[test]
fn ties_and_nans() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(10));
        let few = [0.0, -0.0, 1.0, f32::NAN, -f32::NAN, f32::INFINITY, -f32::INFINITY, -1e-40];
        for seed in 0..20 {
            let numbers: Vec<_> = (0..40).map(|_| random.one_of(&few[seed % 4..])).collect();
            for k in [1, 3, 20] {
                check(&gpu, &numbers, AxisView { outer: 1, length: 40, inner: 1 }, k);
                check(&gpu, &numbers, AxisView { outer: 2, length: 5, inner: 4 }, k);
            }
        }
        check(&gpu, &[f32::NAN; 40], AxisView { outer: 2, length: 20, inner: 1 }, 1);
    });
}
