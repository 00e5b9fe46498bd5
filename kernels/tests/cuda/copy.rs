//! Gather and scatter along the batch axis, and blocks in turn along another.

use nereid_kernels::cuda::{Blocks, LaunchError, Region, gather, interleave, scatter};
use nereid_softcuda_harness::{AnyCuda, Random, SoftCuda};

use crate::gpu::Gpu;

/// Parts at any address, of any size, some of them empty.
fn sizes(random: &mut Random, count: usize) -> Vec<usize> {
    (0..count).map(|_| random.one_of(&[0, 1, 15, 16, 48, 100, 257, 4096])).collect()
}

#[test]
fn gathered_and_scattered() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        for seed in 0..12 {
            let mut random = Random::new(seed);
            let count = random.between(1, 5);
            let sizes = sizes(&mut random, count);
            let parts: Vec<_> = sizes.iter().map(|&size| random.bytes(size + 1)).collect();
            let inputs: Vec<_> = parts.iter().map(|part| gpu.upload(part)).collect();
            // Every second one lies at an odd address.
            let start = |index: usize| index % 2;
            let regions: Vec<_> = inputs
                .iter()
                .zip(&sizes)
                .enumerate()
                .map(|(index, (input, &size))| input.part(start(index), size))
                .collect();
            let expected: Vec<u8> = parts
                .iter()
                .zip(&sizes)
                .enumerate()
                .flat_map(|(index, (part, &size))| part[start(index)..][..size].to_vec())
                .collect();
            let total = expected.len();
            let whole = gpu.output(total + 1);
            gpu.run(gather(&regions, whole.part(0, total)).unwrap());
            let back: Vec<_> = sizes.iter().map(|&size| gpu.output(size.max(1))).collect();
            let targets: Vec<_> =
                back.iter().zip(&sizes).map(|(output, &size)| output.part(0, size)).collect();
            gpu.run(scatter(whole.part(0, total), &targets).unwrap());
            let mut rest = expected.as_slice();
            for (output, &size) in back.into_iter().zip(&sizes).filter(|(_, size)| **size > 0) {
                let own = rest.split_off(..size).unwrap();
                assert_eq!(gpu.download::<u8>(output), own, "seed {seed}");
            }
        }
    });
}

#[test]
fn more_parts_than_a_launch_has_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (gpu, levels) = (Gpu::open(), Random::new(6).bytes(400));
        let input = gpu.upload(&levels);
        let parts: Vec<_> = (0..200).rev().map(|index| input.part(2 * index, 2)).collect();
        let output = gpu.output(400);
        gpu.run(gather(&parts, output.region()).unwrap());
        assert_eq!(cuda.count("launches"), 2);
        let expected: Vec<u8> = levels.chunks(2).rev().flatten().copied().collect();
        assert_eq!(gpu.download::<u8>(output), expected);
    });
}

#[test]
fn parts_fill_the_whole() {
    let region = |size_bytes| Region::new(256, size_bytes);
    assert_eq!(gather(&[], region(0)).unwrap().len(), 0);
    let wrong = gather(&[region(2), region(3)], region(6)).unwrap_err();
    assert!(matches!(wrong, LaunchError::Size { expected: 5, actual: 6, .. }), "{wrong}");
}

#[test]
fn blocks_in_turn_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let gpu = Gpu::open();
        for (seed, unit) in [(0, 16), (1, 4), (2, 1), (3, 16), (4, 4)] {
            let mut random = Random::new(seed);
            let number = random.between(1, 5);
            // More than a launch has, once.
            let count = if seed == 3 { 100 } else { random.between(1, 4) };
            let blocks: Vec<_> = (0..count).map(|_| random.between(0, 3) * unit).collect();
            let step: usize = blocks.iter().sum();
            let tensors: Vec<_> =
                blocks.iter().map(|&block| random.bytes(block * number)).collect();
            let inputs: Vec<_> = tensors.iter().map(|tensor| gpu.upload(tensor)).collect();
            let mut start = 0;
            let parts: Vec<_> = inputs
                .iter()
                .zip(&blocks)
                .map(|(input, &block_bytes)| {
                    start += block_bytes;
                    Blocks { from: input.region(), block_bytes, start: start - block_bytes }
                })
                .collect();
            let output = gpu.output(step * number);
            let before = cuda.count("launches");
            gpu.run(interleave(&parts, output.region(), step).unwrap());
            assert!(seed != 3 || cuda.count("launches") - before <= 2);
            let block = |index: usize| {
                tensors.iter().zip(&blocks).flat_map(move |(tensor, &block)| {
                    tensor[index * block..(index + 1) * block].to_vec()
                })
            };
            let expected: Vec<u8> = (0..number).flat_map(block).collect();
            assert_eq!(gpu.download::<u8>(output), expected, "seed {seed}");
        }
    });
}
