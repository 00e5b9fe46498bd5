//! What requests say of their pictures, and what is wrong with it.

use nereid_kernels::cuda::{
    BAD_CLASS, BAD_SIZE, BAD_TRANSFORM, Said, narrow_classes, read_letterboxes,
};
use nereid_softcuda_harness::SoftCuda;

use crate::gpu::{Gpu, Input};
use crate::softmax::bits;

const ROWS: usize = 5;

/// Transforms, sizes and faults of rows of which this is said.
fn read(
    gpu: &Gpu,
    transforms: Option<[[f32; 4]; ROWS]>,
    halves: [Option<[[f32; 2]; ROWS]>; 2],
    sizes: Option<&Input>,
) -> (Vec<[f32; 4]>, Vec<[i32; 2]>, Vec<i32>) {
    let [scales, offsets] = halves.map(|half| half.map(|half| gpu.upload(&half)));
    let transforms = transforms.map(|transforms| gpu.upload(&transforms));
    let said = Said {
        transforms: transforms.as_ref().map(Input::region),
        scales: scales.as_ref().map(Input::region),
        offsets: offsets.as_ref().map(Input::region),
        sizes: sizes.map(Input::region),
    };
    let (to, to_sizes) = (gpu.output(16 * ROWS), gpu.output(8 * ROWS));
    let mut faults = gpu.output(4 * ROWS);
    faults.clear();
    let memory = (to.region(), sizes.map(|_| to_sizes.region()));
    gpu.run(read_letterboxes(&said, ROWS, memory, faults.region()).unwrap());
    let read_sizes = sizes.map_or(Vec::new(), |_| gpu.download(to_sizes));
    (gpu.download(to), read_sizes, gpu.download(faults))
}

#[test]
fn what_is_said_of_pictures_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        let halves = [[0.5, 2.0], [0.0, 1.0], [f32::NAN, 1.0], [1.0, f32::INFINITY], [-1.0, 1.0]];
        let bad = [0, BAD_TRANSFORM, BAD_TRANSFORM, BAD_TRANSFORM, BAD_TRANSFORM];
        let (transforms, sizes, faults) = read(&gpu, None, [Some(halves), None], None);
        assert_eq!(bits(&transforms[0]), bits(&[0.5, 2.0, 0.0, 0.0]));
        assert_eq!((sizes, faults), (vec![], bad.into()));
        let (transforms, _, faults) = read(&gpu, None, [None, Some(halves)], None);
        assert_eq!(bits(&transforms[4]), bits(&[1.0, 1.0, -1.0, 1.0]));
        assert_eq!(faults, [0, 0, BAD_TRANSFORM, BAD_TRANSFORM, 0]);
        let whole = [[2.0, 3.0, 4.0, 5.0]; ROWS];
        let (transforms, _, faults) = read(&gpu, Some(whole), [Some(halves), Some(halves)], None);
        assert_eq!(bits(transforms.as_flattened()), bits(whole.as_flattened()));
        assert_eq!(faults, [0; ROWS]);
        let narrow = gpu.upload(&[[480_i32, 640], [0, 65535], [-1, 1], [1, 65536], [7, 7]]);
        let wide = gpu.upload(&[[480_i64, 640], [0, 65535], [-1, 1], [1, 1 << 40], [7, 7]]);
        for memory in [&narrow, &wide] {
            let (_, sizes, faults) = read(&gpu, None, [None, None], Some(memory));
            assert_eq!(sizes[..2], [[480, 640], [0, 65535]]);
            assert_eq!(faults, [0, 0, BAD_SIZE, BAD_SIZE, 0]);
        }
    });
}

#[test]
fn classes_of_64_bits_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let gpu = Gpu::open();
        let most = i64::from(i32::MAX);
        let classes = gpu.upload(&[0, -7, most, most + 1, most + 1, 3]);
        let scores = gpu.upload(&[1.0, 1.0, 1.0, f32::NAN, 1.0, 1.0_f32]);
        let (narrow, mut faults) = (gpu.output(24), gpu.output(12));
        faults.clear();
        let memory = (classes.region(), narrow.region());
        gpu.run(narrow_classes(memory, scores.region(), 2, faults.region()).unwrap());
        assert_eq!(gpu.download::<i32>(narrow)[..3], [0, -7, i32::MAX]);
        assert_eq!(gpu.download::<i32>(faults), [0, 0, BAD_CLASS]);
    });
}
