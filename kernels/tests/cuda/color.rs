//! Luma and chroma to RGB.

use nereid_kernels::cpu;
use nereid_kernels::cuda::{
    Convert, Launch, LaunchError, Planes, Region, nv12_to_rgb, ycbcr420_to_rgb,
};
use nereid_softcuda_harness::{AnyCuda, Random};

use crate::gpu::{Gpu, Input, Output};

type Launches = fn(&[Planes]) -> Result<Vec<Launch<Convert>>, LaunchError>;

fn planes_bytes((width, height): (usize, usize)) -> usize {
    width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
}

/// Converts random pictures of these sizes in one launch, and compares.
fn check(
    sizes: &[(usize, usize)],
    launches: Launches,
    twin: impl Fn(&[u8], (usize, usize), &mut [u8]),
) {
    let (gpu, mut random) = (Gpu::open(), Random::new(5));
    let levels: Vec<_> = sizes.iter().map(|&size| random.bytes(planes_bytes(size))).collect();
    let memory: Vec<_> = levels.iter().map(|levels| gpu.upload(levels)).collect();
    let outputs: Vec<_> = sizes.iter().map(|size| gpu.output(3 * size.0 * size.1)).collect();
    let planes = |((memory, output), &size): ((&Input, &Output), _)| Planes {
        size,
        planes: memory.region(),
        rgb: output.region(),
    };
    let planes: Vec<_> = memory.iter().zip(&outputs).zip(sizes).map(planes).collect();
    gpu.run(launches(&planes).unwrap());
    for ((output, levels), &size) in outputs.into_iter().zip(&levels).zip(sizes) {
        let mut expected = vec![0; 3 * size.0 * size.1];
        twin(levels, size, &mut expected);
        assert_eq!(gpu.download::<u8>(output), expected, "{size:?}");
    }
}

#[test]
fn nv12() {
    AnyCuda::new().run(|| {
        let sizes = [(2, 2), (6, 4), (66, 18), (64, 16), (2, 40)];
        check(&sizes, nv12_to_rgb, |levels, size, rgb| {
            cpu::nv12_to_rgb(levels, size, rgb).unwrap();
        });
    });
}

#[test]
fn ycbcr() {
    AnyCuda::new().run(|| {
        let sizes = [(1, 1), (3, 5), (65, 17), (2, 2), (4, 33)];
        check(&sizes, ycbcr420_to_rgb, |levels, (width, height), rgb| {
            let (luma, chroma) = levels.split_at(width * height);
            let (blue, red) = chroma.split_at(chroma.len() / 2);
            cpu::ycbcr420_to_rgb([luma, blue, red], (width, height), rgb).unwrap();
        });
    });
}

/// Luma adds whole levels, so what is rounded depends on chroma: each Cb, with every eighth Cr.
fn every_chroma() -> impl Iterator<Item = [u8; 2]> {
    (3..=255).step_by(8).flat_map(|red| (0..=255).map(move |blue| [blue, red]))
}

#[test]
fn every_color() {
    AnyCuda::new().run(|| {
        let (gpu, size) = (Gpu::open(), (2 * 256, 2 * 32));
        let convert = |levels: &[u8], launches: Launches| {
            let (memory, output) = (gpu.upload(levels), gpu.output(3 * size.0 * size.1));
            let planes = Planes { size, planes: memory.region(), rgb: output.region() };
            gpu.run(launches(&[planes]).unwrap());
            gpu.download::<u8>(output)
        };
        let mut expected = vec![0; 3 * size.0 * size.1];
        let luma = Random::new(13).bytes(size.0 * size.1);
        let planes = [0, 1].map(|plane| every_chroma().map(|it| it[plane]).collect::<Vec<_>>());
        let levels = [luma.as_slice(), &planes[0], &planes[1]].concat();
        cpu::ycbcr420_to_rgb([&luma, &planes[0], &planes[1]], size, &mut expected).unwrap();
        assert!(convert(&levels, ycbcr420_to_rgb) == expected);
        let levels = [luma, every_chroma().flatten().collect()].concat();
        cpu::nv12_to_rgb(&levels, size, &mut expected).unwrap();
        assert!(convert(&levels, nv12_to_rgb) == expected);
    });
}

#[test]
fn sizes_are_checked() {
    let planes = |size, bytes: [usize; 2]| {
        let [planes, rgb] = bytes.map(|bytes| Region::new(0, bytes));
        Planes { size, planes, rgb }
    };
    assert!(nv12_to_rgb(&[planes((2, 2), [6, 12])]).is_ok());
    for wrong in [
        planes((3, 2), [9, 18]),
        planes((2, 2), [7, 12]),
        planes((2, 2), [6, 11]),
        planes((0, 2), [0, 0]),
    ] {
        assert!(nv12_to_rgb(&[wrong]).is_err(), "{wrong:?}");
    }
    assert!(ycbcr420_to_rgb(&[planes((3, 3), [17, 27])]).is_ok());
    assert!(ycbcr420_to_rgb(&[planes((3, 3), [16, 27])]).is_err());
}
