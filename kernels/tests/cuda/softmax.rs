//! Softmax along any axis.

use nereid_kernels::cpu::{self, AxisView};
use nereid_kernels::cuda::softmax;
use nereid_softcuda_harness::{AnyCuda, Random};

use crate::gpu::Gpu;

/// Bits, with one for all NaNs: which one comes out is the processor's.
pub(crate) fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

fn check(gpu: &Gpu, numbers: &[f32], view: AxisView) {
    let (from, to) = (gpu.upload(numbers), gpu.output(size_of_val(numbers)));
    gpu.run(softmax((from.region(), to.region()), view).unwrap());
    let got = gpu.download::<f32>(to);
    assert_eq!(bits(&got), bits(&cpu::softmax(numbers, view)), "{view:?}");
}

#[test]
fn any_length() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(7));
        for length in [1, 2, 7, 31, 32, 33, 63, 100, 257, 1000] {
            for (outer, inner) in [(3, 1), (1, 2), (2, 33)] {
                let view = AxisView { outer, length, inner };
                let numbers = random.floats(outer * length * inner, -12.0, 12.0);
                check(&gpu, &numbers, view);
            }
        }
    });
}

#[test]
fn any_number() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(8));
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        let odd = [nan, infinity, -infinity, 0.0, -0.0, 1e-40, -103.9, 88.7, 3e38, -3e38, 1.0];
        for _ in 0..40 {
            let numbers: Vec<_> = (0..24).map(|_| random.one_of(&odd)).collect();
            for view in [(1, 24, 1), (8, 3, 1), (2, 3, 4)] {
                let (outer, length, inner) = view;
                check(&gpu, &numbers, AxisView { outer, length, inner });
            }
        }
        // Every power of two that the exponential is asked for.
        let view = AxisView { outer: 1, length: 1100, inner: 1 };
        let falling: Vec<_> = (0..1100_u16).map(|i| f32::from(i) * -0.1).collect();
        check(&gpu, &falling, view);
    });
}
